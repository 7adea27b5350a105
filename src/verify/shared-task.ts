/**
 * Work whose result several callers wait for, each as long as it likes: it is given up when all of them have given up.
 */
export class SharedTask<T> {
  readonly #controller = new AbortController()
  readonly #result: Promise<T>
  #waiting = 0

  /** @param work is begun at once, and should end early on the signal */
  constructor(work: (signal: AbortSignal) => Promise<T>) {
    this.#result = work(this.#controller.signal)
    this.#result.catch(() => undefined) // told to those who wait; there may be none left
  }

  /** Whether nobody waits any more, so that its result is none. */
  get isAbandoned(): boolean {
    return this.#controller.signal.aborted
  }

  /**
   * Waits for the result.
   *
   * @throws what the work throws
   * @throws the signal's reason on abort
   */
  async wait(signal: AbortSignal | undefined): Promise<T> {
    signal?.throwIfAborted()
    this.#waiting += 1
    const aborted = Promise.withResolvers<never>()
    const onAbort = () => aborted.reject(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      return await Promise.race([this.#result, aborted.promise])
    } finally {
      signal?.removeEventListener('abort', onAbort)
      this.#waiting -= 1
      if (this.#waiting === 0) this.#controller.abort()
    }
  }
}
