import { type Stream, type StreamCloseEvent, type StreamMessageEvent, StreamStateError } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'

/**
 * Pulls bytes out of a libp2p stream, and holds the peer back while nobody pulls.
 *
 * A stream pushes: its own iterator never pauses it, and waits for ever when the peer has half-closed before the iteration. So the reader pauses
 * the stream at each delivery and resumes it only when it has nothing left. It does not pause while its own `resume()` is delivering, which that
 * same `resume()` would undo: then it pauses at the next. Whether the stream has ended is read from its state and never from an event, which
 * may have come before.
 */
export class StreamReader {
  readonly #stream: Stream
  readonly #queue: (Uint8Array | Uint8ArrayList)[] = []
  #resuming = false
  #closeError: Error | undefined
  #wake: (() => void) | undefined

  constructor(stream: Stream) {
    this.#stream = stream
    stream.addEventListener('message', this.#onMessage)
    stream.addEventListener('remoteCloseWrite', this.#onChange)
    stream.addEventListener('close', this.#onClose)
  }

  /** Bytes that have come and were not read. */
  get buffered(): number {
    return this.#queue.reduce((sum, { byteLength }) => sum + byteLength, this.#stream.readBufferLength)
  }

  /** Whether the stream is whole in both directions and has nothing to read. */
  get isQuiet(): boolean {
    const { status, writeStatus, remoteWriteStatus, readBufferLength } = this.#stream
    return (
      status === 'open' &&
      writeStatus === 'writable' &&
      remoteWriteStatus === 'writable' &&
      readBufferLength === 0 &&
      this.#queue.length === 0
    )
  }

  /**
   * The next bytes, or `undefined` at the end. One call at a time. What came before a reset is still read; an abort on this side discards it.
   *
   * @throws {Error} the stream was reset or aborted
   */
  async read(): Promise<Uint8Array | Uint8ArrayList | undefined> {
    for (;;) {
      if (this.#stream.status === 'aborted') throw this.#error('aborted')
      this.#pull()
      const next = this.#queue.shift()
      if (next !== undefined) return next
      if (this.#stream.status === 'reset') throw this.#error('reset')
      if (this.#isAtEnd()) return undefined
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** Calls `onChange` when bytes, the end or a reset come while nobody reads. `undefined` stops that. */
  watch(onChange: (() => void) | undefined): void {
    this.#wake = onChange
    if (onChange !== undefined) this.#pull()
  }

  /** Lets the stream deliver, when everything delivered before has been read. */
  #pull(): void {
    if (this.#queue.length > 0 || this.#stream.readStatus !== 'paused') return
    this.#resuming = true
    try {
      this.#stream.resume()
    } catch (thrown) {
      // A connection that is gone has still delivered; it only cannot tell the peer to go on.
      if (this.#stream.status === 'open') throw thrown
    } finally {
      this.#resuming = false
    }
  }

  #isAtEnd(): boolean {
    const { status, remoteWriteStatus, readBufferLength } = this.#stream
    return (remoteWriteStatus === 'closed' || status === 'closed') && readBufferLength === 0
  }

  #error(what: string): Error {
    return this.#closeError ?? new StreamStateError(`The stream was ${what}`)
  }

  readonly #onMessage = ({ data }: StreamMessageEvent): void => {
    this.#queue.push(data)
    if (!this.#resuming && this.#stream.readStatus === 'readable') this.#stream.pause()
    this.#onChange()
  }

  readonly #onClose = ({ error }: StreamCloseEvent): void => {
    this.#closeError = error
    this.#onChange()
  }

  readonly #onChange = (): void => {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }
}
