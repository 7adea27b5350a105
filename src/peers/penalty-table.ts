import { FadingSum, type FadingSumInit } from './fading-sum.ts'

/** Penalties by peer, fading with time. */
export class PenaltyTable {
  readonly #points: FadingSum

  constructor(init: FadingSumInit) {
    this.#points = new FadingSum(init)
  }

  /** Adds a point and returns how many there are now. */
  add(key: string): number {
    return this.#points.add(key, 1)
  }

  points(key: string): number {
    return this.#points.get(key)
  }

  clear(key: string): void {
    this.#points.clear(key)
  }
}
