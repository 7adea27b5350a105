/** Notices when something no longer changes. */
export class StallWatch<T> {
  readonly #limitMs: number
  readonly #now: () => number
  #last: T | undefined
  #changedAt: number

  /** @param limitMs how long it may stay the same */
  constructor(limitMs: number, now: () => number = () => performance.now()) {
    this.#limitMs = limitMs
    this.#now = now
    this.#changedAt = now()
  }

  /** Takes the present value and says whether it has been the same for too long. */
  isStalled(value: T): boolean {
    if (value !== this.#last) {
      this.#last = value
      this.#changedAt = this.#now()
    }
    return this.#now() - this.#changedAt > this.#limitMs
  }
}
