import type { MeasuredAnswer } from '../peers/speed-meter.ts'

/**
 * How fast a peer delivers in one attempt while it is waited for. What this node takes its time for, to verify or to find room, does not count.
 */
export class Pace {
  readonly #now: () => number
  readonly #onAnswer: (answer: MeasuredAnswer) => void
  #waitingSince: number | undefined
  #waitedMs = 0
  #bytes = 0
  /** Of the answer under way: what had come and been waited for before it, and when its first byte came. */
  #before = { waitedMs: 0, bytes: 0 }
  #firstByteMs: number | undefined
  /** Where the count of `isBelow` begins. */
  #counted = { waitedMs: 0, bytes: 0 }

  /**
   * @param now monotonic milliseconds
   * @param onAnswer called at the end of each answer, however it ended. @default nobody listens
   */
  constructor(now: () => number, onAnswer: (answer: MeasuredAnswer) => void = () => {}) {
    this.#now = now
    this.#onAnswer = onAnswer
  }

  /** Milliseconds that the peer was waited for, up to now. */
  get waitedMs(): number {
    this.#count()
    return this.#waitedMs
  }

  /** Bytes that came. */
  get bytes(): number {
    return this.#bytes
  }

  /** Passes an answer on, and counts the time that each message of it is waited for. One at a time. */
  async *watch<T>(answer: AsyncIterable<T>): AsyncGenerator<T> {
    this.#before = { waitedMs: this.#waitedMs, bytes: this.#bytes }
    this.#firstByteMs = undefined
    this.#waitingSince = this.#now()
    let isWhole = false
    try {
      for await (const message of answer) {
        this.#count()
        this.#waitingSince = undefined
        yield message
        this.#waitingSince = this.#now()
      }
      isWhole = true
    } finally {
      this.#count()
      this.#waitingSince = undefined
      this.#tell(isWhole)
    }
  }

  /** Bytes of an answer came, whole messages or not. */
  arrived(bytes: number): void {
    if (bytes === 0) return
    this.#firstByteMs ??= this.waitedMs - this.#before.waitedMs
    this.#bytes += bytes
  }

  /** Whether fewer bytes came than that, over so much time of waiting. Then, and when it was enough, the count begins anew. */
  isBelow(bytesPerSecond: number, overMs: number): boolean {
    const waitedMs = this.waitedMs - this.#counted.waitedMs
    if (waitedMs < overMs) return false
    const bytes = this.#bytes - this.#counted.bytes
    this.#counted = { waitedMs: this.#waitedMs, bytes: this.#bytes }
    return bytes * 1_000 < bytesPerSecond * waitedMs
  }

  #tell(isWhole: boolean): void {
    const bytes = this.#bytes - this.#before.bytes
    const milliseconds = this.#waitedMs - this.#before.waitedMs
    this.#onAnswer({ bytes, milliseconds, firstByteMs: this.#firstByteMs ?? milliseconds, isWhole })
  }

  #count(): void {
    if (this.#waitingSince === undefined) return
    const now = this.#now()
    this.#waitedMs += now - this.#waitingSince
    this.#waitingSince = now
  }
}
