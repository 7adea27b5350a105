import type { Clock } from '../runtime/clock.ts'
import { BoundedMap } from './bounded-map.ts'

export interface FadingSumInit {
  readonly clock: Clock
  /** Milliseconds after which what was added counts half. Above 0. */
  readonly halfLifeMs: number
  /** Most keys remembered. */
  readonly capacity: number
}

interface Sum {
  readonly amount: number
  readonly at: number
}

/** Sums by key, fading with time. */
export class FadingSum {
  readonly #init: FadingSumInit
  readonly #sums: BoundedMap<string, Sum>

  /** @throws {RangeError} for a half-life that is none: sums would be no numbers, and no limit on them would hold */
  constructor(init: FadingSumInit) {
    if (!(init.halfLifeMs > 0)) throw new RangeError(`a half-life above 0 ms, not ${init.halfLifeMs}`)
    this.#init = init
    this.#sums = new BoundedMap(init.capacity)
  }

  /** Adds to a sum and returns what it is now. */
  add(key: string, by: number): number {
    const amount = this.get(key) + by
    this.#sums.set(key, { amount, at: this.#init.clock.monotonic() })
    return amount
  }

  get(key: string): number {
    const sum = this.#sums.get(key)
    if (sum === undefined) return 0
    return sum.amount * 2 ** (-(this.#init.clock.monotonic() - sum.at) / this.#init.halfLifeMs)
  }

  clear(key: string): void {
    this.#sums.delete(key)
  }
}
