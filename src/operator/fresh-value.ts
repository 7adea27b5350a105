import type { Clock } from '../runtime/clock.ts'

/** What is made anew for whoever asks, and shared by all who ask while it is made, or shortly after it was begun: a flood of questions is a few a second, one at a time. */
export class FreshValue<T> {
  readonly #make: () => Promise<T>
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #freshMs: number
  #begun: { readonly at: number; readonly value: Promise<T> } | undefined
  #isMaking = false

  /** @param freshMs milliseconds for which it is shared. A failure is, too */
  constructor(make: () => Promise<T>, clock: Pick<Clock, 'monotonic'>, freshMs: number) {
    this.#make = make
    this.#clock = clock
    this.#freshMs = freshMs
  }

  get(): Promise<T> {
    const at = this.#clock.monotonic()
    if (this.#begun === undefined || (!this.#isMaking && at - this.#begun.at >= this.#freshMs)) {
      this.#begun = { at, value: this.#once() }
    }
    return this.#begun.value
  }

  /** The last that was begun. */
  get last(): Promise<T> | undefined {
    return this.#begun?.value
  }

  async #once(): Promise<T> {
    this.#isMaking = true
    try {
      return await this.#make()
    } finally {
      this.#isMaking = false
    }
  }
}
