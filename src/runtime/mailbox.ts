/** What becomes of a message for which there is no room. */
export type Overflow = 'drop-newest' | 'drop-oldest'

/**
 * A bounded queue with one consumer: the door of an event loop.
 *
 * For messages that can be asked for again: a full mailbox drops one rather than grow. Where some cannot, its owner gives it room for those and bounds the others before it posts them.
 */
export class Mailbox<T> implements AsyncIterable<T> {
  readonly #capacity: number
  readonly #overflow: Overflow
  #messages: T[] = []
  /** Those taken out together and not yet consumed. */
  #taken: T[] = []
  #closed = false
  #dropped = 0
  #wake: (() => void) | undefined

  /** @param options.capacity most messages waiting. @default 1024 */
  constructor(options: { capacity?: number; overflow?: Overflow } = {}) {
    this.#capacity = options.capacity ?? 1024
    this.#overflow = options.overflow ?? 'drop-newest'
  }

  /** Puts a message in. Returns false when it, or another, had to be dropped, or the mailbox is closed. */
  post(message: T): boolean {
    if (this.#closed) return false
    const full = this.size >= this.#capacity
    if (full) {
      this.#dropped += 1
      if (this.#overflow === 'drop-newest') return false
      if (this.#taken.pop() === undefined) this.#messages.shift()
    }
    this.#messages.push(message)
    this.#wake?.()
    return !full
  }

  /** Ends the iteration once what is waiting has been consumed. Idempotent. */
  close(): void {
    this.#closed = true
    this.#wake?.()
  }

  /** Messages waiting. */
  get size(): number {
    return this.#taken.length + this.#messages.length
  }

  /** Messages dropped so far. */
  get dropped(): number {
    return this.#dropped
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    while (true) {
      while (this.#taken.length > 0) yield this.#taken.pop() as T
      this.#taken = this.#messages.reverse()
      this.#messages = []
      if (this.#taken.length > 0) continue
      if (this.#closed) return
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#wake = undefined
    }
  }
}
