import type { Clock } from '../runtime/clock.ts'

export interface RateLimiterInit {
  /** Takes a second that a key may go on with. */
  readonly perSecond: number
  /** Takes that a rested key may make at once. At least 1. */
  readonly burst: number
  /** Most keys remembered. */
  readonly capacity: number
  readonly clock: Clock
}

/**
 * A rate limit for each of many keys: the generic cell rate algorithm (ITU-T I.371), one number a key.
 *
 * The number is when the key will have rested. A key that has rested is forgotten; when the table is full of others, the oldest of those is.
 */
export class RateLimiter {
  readonly #clock: Clock
  readonly #capacity: number
  readonly #intervalMs: number
  readonly #toleranceMs: number
  readonly #restedAt = new Map<string, number>()

  constructor({ perSecond, burst, capacity, clock }: RateLimiterInit) {
    this.#clock = clock
    this.#capacity = capacity
    this.#intervalMs = 1_000 / perSecond
    this.#toleranceMs = (burst - 1) * this.#intervalMs
  }

  /** Keys remembered now. */
  get size(): number {
    return this.#restedAt.size
  }

  /** Takes one, and returns 0; or takes none, and returns in how many milliseconds there will be one. */
  take(key: string): number {
    const now = this.#clock.monotonic()
    const restedAt = Math.max(this.#restedAt.get(key) ?? now, now)
    const waitMs = restedAt - now - this.#toleranceMs
    if (waitMs > 0) return Math.ceil(waitMs)
    if (this.#restedAt.size >= this.#capacity && !this.#restedAt.has(key)) this.#makeRoom(now)
    this.#restedAt.set(key, restedAt + this.#intervalMs)
    return 0
  }

  #makeRoom(now: number): void {
    for (const [key, restedAt] of this.#restedAt) if (restedAt <= now) this.#restedAt.delete(key)
    if (this.#restedAt.size < this.#capacity) return
    const [oldest] = this.#restedAt.keys()
    if (oldest !== undefined) this.#restedAt.delete(oldest)
  }
}
