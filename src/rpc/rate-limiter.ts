import type { Clock } from '../runtime/clock.ts'

/** How much one key may take. */
export interface Rate {
  /** Units a second that a key may go on with. Above 0. */
  readonly perSecond: number
  /** Units that a rested key may take at once. At least 1. */
  readonly burst: number
}

/**
 * Refuses what is no rate: by 0 a second, or a burst of 0, the arithmetic of a limiter would let everything through.
 *
 * @throws {RangeError}
 */
export function requireRate({ perSecond, burst }: Rate): void {
  if (perSecond > 0 && burst >= 1) return
  throw new RangeError(`a rate above 0 a second and a burst of at least 1, not ${perSecond} and ${burst}`)
}

export interface RateLimiterInit extends Rate {
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
  readonly #burst: number
  readonly #restedAt = new Map<string, number>()

  /** @throws {RangeError} for what is no rate */
  constructor({ perSecond, burst, capacity, clock }: RateLimiterInit) {
    requireRate({ perSecond, burst })
    this.#clock = clock
    this.#capacity = capacity
    this.#intervalMs = 1_000 / perSecond
    this.#burst = burst
  }

  /** Keys remembered now. */
  get size(): number {
    return this.#restedAt.size
  }

  /**
   * Takes units, and returns 0; or takes none, and returns in how many milliseconds there will be so many.
   *
   * @param units at least 1; what exceeds the burst costs no more than all of it
   */
  take(key: string, units = 1): number {
    const now = this.#clock.monotonic()
    const taken = Math.min(units, this.#burst)
    const restedAt = Math.max(this.#restedAt.get(key) ?? now, now)
    const waitMs = restedAt - now - (this.#burst - taken) * this.#intervalMs
    if (waitMs > 0) return Math.ceil(waitMs)
    if (this.#restedAt.size >= this.#capacity && !this.#restedAt.has(key)) this.#makeRoom(now)
    this.#restedAt.set(key, restedAt + taken * this.#intervalMs)
    return 0
  }

  #makeRoom(now: number): void {
    for (const [key, restedAt] of this.#restedAt) if (restedAt <= now) this.#restedAt.delete(key)
    if (this.#restedAt.size < this.#capacity) return
    const [oldest] = this.#restedAt.keys()
    if (oldest !== undefined) this.#restedAt.delete(oldest)
  }
}
