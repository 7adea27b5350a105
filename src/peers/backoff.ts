import type { Clock } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import { BoundedMap } from './bounded-map.ts'

export interface BackoffInit {
  readonly clock: Clock
  readonly random: Random
  /** Wait after the first failure, in milliseconds, before jitter. */
  readonly baseMs: number
  /** Longest wait, in milliseconds. */
  readonly maxMs: number
  /** Most keys remembered. */
  readonly capacity: number
}

interface Failures {
  readonly count: number
  readonly until: number
}

/**
 * Exponential backoff with jitter, by key: each failure in a row doubles the wait, a success ends it.
 *
 * What fails while the wait lasts was begun before it: a lost link ends many requests at once, and counts as one failure.
 *
 * The wait is drawn from the upper half of its range, so that many who failed at the same instant do not return at the same instant.
 * Failures are also forgotten when a key was left alone for the longest wait after its last one ended.
 */
export class Backoff {
  readonly #init: BackoffInit
  readonly #failures: BoundedMap<string, Failures>

  constructor(init: BackoffInit) {
    this.#init = init
    this.#failures = new BoundedMap(init.capacity)
  }

  /**
   * Counts a failure.
   *
   * @param atLeastMs a wait that the other side asked for, believed up to the longest wait
   * @returns when to try again, in the clock's monotonic milliseconds
   */
  failed(key: string, atLeastMs = 0): number {
    const { clock, random, baseMs, maxMs } = this.#init
    const now = clock.monotonic()
    const before = this.#failures.get(key)
    const asked = now + Math.min(atLeastMs, maxMs)
    if (before !== undefined && now < before.until) {
      const until = Math.max(before.until, asked)
      this.#failures.set(key, { count: before.count, until })
      return until
    }
    const count = before === undefined || now > before.until + maxMs ? 1 : before.count + 1
    const range = Math.min(maxMs, baseMs * 2 ** Math.min(count - 1, 30))
    const until = Math.max(now + range * (0.5 + random.next() / 2), asked)
    this.#failures.set(key, { count, until })
    return until
  }

  /** Failures in a row. */
  failures(key: string): number {
    return this.#failures.get(key)?.count ?? 0
  }

  succeeded(key: string): void {
    this.#failures.delete(key)
  }

  /** When the wait of a key ends, in the clock's monotonic milliseconds; 0 when it has none. */
  until(key: string): number {
    const until = this.#failures.get(key)?.until ?? 0
    return until > this.#init.clock.monotonic() ? until : 0
  }
}
