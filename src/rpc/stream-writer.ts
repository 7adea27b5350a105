import { type Stream, StreamStateError } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'

/**
 * Writes to a libp2p stream, and waits while the peer or the connection takes no more.
 *
 * The stream's own `onDrain()` works once only, so the events are awaited here: `drain` and `idle` when there may be room again, `close` when
 * there never will be.
 */
export class StreamWriter {
  readonly #stream: Stream
  #wake: (() => void) | undefined

  constructor(stream: Stream) {
    this.#stream = stream
    stream.addEventListener('drain', this.#onChange)
    stream.addEventListener('idle', this.#onChange)
    stream.addEventListener('close', this.#onChange)
  }

  /**
   * Sends bytes. Resolves once the stream would take more. One call at a time.
   *
   * @param onProgress called with the number of bytes still waiting, whenever that may have changed
   * @throws {Error} the stream is closed for writing, was reset or aborted
   */
  async write(data: Uint8Array | Uint8ArrayList, onProgress: (waiting: number) => void): Promise<void> {
    if (this.#stream.send(data)) return
    while (this.#stream.writableNeedsDrain && this.#stream.writeStatus === 'writable') {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      onProgress(this.#stream.writeBufferLength)
    }
    if (this.#stream.writeStatus !== 'writable')
      throw new StreamStateError('The stream closed while bytes were waiting')
  }

  readonly #onChange = (): void => {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }
}
