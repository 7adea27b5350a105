import type { Clock } from '../runtime/clock.ts'
import { BoundedMap } from './bounded-map.ts'

export interface FadingRateInit {
  readonly clock: Clock
  /** Milliseconds after which what was added counts half. */
  readonly halfLifeMs: number
  /** Most keys remembered. */
  readonly capacity: number
}

interface Faded {
  readonly amount: number
  readonly at: number
}

const MINUTE_MS = 60_000

/**
 * How much came lately, a minute, by key. What came fades with time, so that neither a single large delivery nor a good day long past counts for ever. Who always brings
 * the same comes to that rate over a few half-lives: newcomers have to earn their place.
 */
export class FadingRate {
  readonly #init: FadingRateInit
  readonly #sums: BoundedMap<string, Faded>

  constructor(init: FadingRateInit) {
    this.#init = init
    this.#sums = new BoundedMap(init.capacity)
  }

  add(key: string, amount: number): void {
    this.#sums.set(key, { amount: this.#faded(key) + amount, at: this.#init.clock.monotonic() })
  }

  perMinute(key: string): number {
    // a steady rate r, fading by half in each half-life h, adds up to r * h / ln 2
    return (this.#faded(key) * Math.LN2 * MINUTE_MS) / this.#init.halfLifeMs
  }

  #faded(key: string): number {
    const sum = this.#sums.get(key)
    if (sum === undefined) return 0
    return sum.amount * 2 ** (-(this.#init.clock.monotonic() - sum.at) / this.#init.halfLifeMs)
  }
}
