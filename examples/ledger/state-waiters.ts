interface Waiter {
  readonly index: number
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
}

/** Those who wait until a commit is executed. */
export class StateWaiters {
  readonly #waiters = new Set<Waiter>()

  /** Resolves when a commit is executed. @throws the signal's reason, or what all were rejected with */
  async wait(index: number, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const waiter: Waiter = { index, resolve, reject }
    const onAbort = () => reject(signal?.reason)
    this.#waiters.add(waiter)
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      await promise
    } finally {
      this.#waiters.delete(waiter)
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /** Every commit up to one is executed. */
  executed(highest: number): void {
    for (const waiter of this.#waiters) if (waiter.index <= highest) waiter.resolve()
  }

  /** Nothing more is executed. */
  reject(reason: Error): void {
    for (const waiter of this.#waiters) waiter.reject(reason)
  }
}
