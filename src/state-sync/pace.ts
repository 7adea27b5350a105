/**
 * How fast a peer delivers while it is waited for. What this node takes its time for, to verify or to find room, does not count.
 */
export class Pace {
  readonly #now: () => number
  #waitingSince: number | undefined
  #waitedMs = 0
  #bytes = 0

  /** @param now monotonic milliseconds */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Passes an answer on, and counts the time that each message of it is waited for. One at a time. */
  async *watch<T>(answer: AsyncIterable<T>): AsyncGenerator<T> {
    this.#waitingSince = this.#now()
    try {
      for await (const message of answer) {
        this.#count()
        this.#waitingSince = undefined
        yield message
        this.#waitingSince = this.#now()
      }
    } finally {
      this.#count()
      this.#waitingSince = undefined
    }
  }

  /** Bytes of an answer came, whole messages or not. */
  arrived(bytes: number): void {
    this.#bytes += bytes
  }

  /** Whether fewer bytes came than that, over so much time of waiting. Then, and when it was enough, the count begins anew. */
  isBelow(bytesPerSecond: number, overMs: number): boolean {
    this.#count()
    if (this.#waitedMs < overMs) return false
    const isBelow = this.#bytes * 1_000 < bytesPerSecond * this.#waitedMs
    this.#waitedMs = 0
    this.#bytes = 0
    return isBelow
  }

  #count(): void {
    if (this.#waitingSince === undefined) return
    const now = this.#now()
    this.#waitedMs += now - this.#waitingSince
    this.#waitingSince = now
  }
}
