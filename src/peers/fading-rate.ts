import { FadingSum, type FadingSumInit } from './fading-sum.ts'

const MINUTE_MS = 60_000

/**
 * How much came lately, a minute, by key. What came fades with time, so that neither a single large delivery nor a good day long past counts for ever. Who always brings
 * the same comes to that rate over a few half-lives: newcomers have to earn their place.
 */
export class FadingRate {
  readonly #sum: FadingSum
  readonly #halfLifeMs: number

  constructor(init: FadingSumInit) {
    this.#sum = new FadingSum(init)
    this.#halfLifeMs = init.halfLifeMs
  }

  add(key: string, amount: number): void {
    this.#sum.add(key, amount)
  }

  perMinute(key: string): number {
    // a steady rate r, fading by half in each half-life h, adds up to r * h / ln 2
    return (this.#sum.get(key) * Math.LN2 * MINUTE_MS) / this.#halfLifeMs
  }
}
