interface Waiter {
  readonly bytes: number
  readonly isUrgent: () => boolean
  admit(): void
}

/**
 * A bound on bytes held at once by many holders.
 *
 * Whoever is urgent is always admitted, over the bound if it must be: the one whose bytes free everyone else's can thereby never wait for them.
 */
export class ByteBudget {
  readonly limit: number
  #held = 0
  #waiters: Waiter[] = []

  constructor(limit: number) {
    this.limit = limit
  }

  /** Bytes held now. */
  get held(): number {
    return this.#held
  }

  /**
   * Takes bytes, when there is room for them, nothing is held at all, or the taker is urgent. Who waits longest goes first.
   *
   * @param options.isUrgent asked now and again at every change
   * @throws the signal's reason on abort
   */
  async acquire(bytes: number, options: { signal: AbortSignal; isUrgent: () => boolean }): Promise<void> {
    const { signal, isUrgent } = options
    signal.throwIfAborted()
    if ((this.#waiters.length === 0 && this.#fits(bytes)) || isUrgent()) {
      this.#held += bytes
      return
    }
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter)
        reject(signal.reason as Error)
        this.review()
      }
      const waiter: Waiter = {
        bytes,
        isUrgent,
        admit: () => {
          signal.removeEventListener('abort', onAbort)
          this.#held += bytes
          resolve()
        }
      }
      signal.addEventListener('abort', onAbort, { once: true })
      this.#waiters.push(waiter)
    })
  }

  /** Gives bytes back. */
  release(bytes: number): void {
    this.#held -= bytes
    this.review()
  }

  /** Admits whom it can: to be called when somebody became urgent. */
  review(): void {
    const waiting = this.#waiters
    this.#waiters = []
    for (const waiter of waiting) {
      if (waiter.isUrgent() || (this.#waiters.length === 0 && this.#fits(waiter.bytes))) waiter.admit()
      else this.#waiters.push(waiter)
    }
  }

  #fits(bytes: number): boolean {
    return this.#held === 0 || this.#held + bytes <= this.limit
  }
}
