import type { Stream } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import { toError } from '../runtime/soma-error.ts'
import { Deframer } from './deframer.ts'
import { RpcError } from './rpc-error.ts'
import { StreamReader } from './stream-reader.ts'
import { StreamWriter } from './stream-writer.ts'

/** A peer is not silent while it moves so much: a large frame on a slow link is no silence, a byte now and then is. */
const PROGRESS_BYTES: number = 64 * 1024

/** What came at last while waiting: bytes, the peer's end of the stream, or nothing in time. */
export type Awaited = 'bytes' | 'end' | 'expired'

/**
 * A libp2p stream that carries frames, with a deadline on every wait for the peer.
 *
 * A deadline that passes aborts the stream, as every failure does in the end: whatever waits on the stream then throws the reason. One read or
 * write at a time each.
 */
export class FrameStream {
  readonly #stream: Stream
  readonly #reader: StreamReader
  readonly #writer: StreamWriter
  readonly #deframer = new Deframer()
  #failure: { readonly reason: unknown } | undefined
  #bytesIn = 0
  #bytesOut = 0

  constructor(stream: Stream) {
    this.#stream = stream
    this.#reader = new StreamReader(stream)
    this.#writer = new StreamWriter(stream)
  }

  /** Bytes read so far. */
  get bytesIn(): number {
    return this.#bytesIn
  }

  /** Bytes written so far. */
  get bytesOut(): number {
    return this.#bytesOut
  }

  /** Bytes that have come and belong to no frame yet taken. */
  get bytesWaiting(): number {
    return this.#deframer.buffered + this.#reader.buffered
  }

  /** Whether the stream is whole in both directions and nothing was left unread on it. */
  get isQuiet(): boolean {
    return !this.#deframer.isMidFrame && this.#reader.isQuiet
  }

  /** Whether bytes were read that belong to no frame yet taken. */
  get hasLeftover(): boolean {
    return this.#deframer.isMidFrame
  }

  /**
   * The next frame, or `undefined` at the end of the stream.
   *
   * @param limit most bytes of it
   * @param silenceMs longest wait for the whole frame, or for another 64 KiB of it
   * @param onBytes called as bytes arrive
   * @throws {RpcError} `RPC_STREAM_TORN`, `RPC_TIMEOUT`, `RPC_OVERSIZE_FRAME`, `RPC_BAD_FRAME`, or the reason of an abort
   */
  async read(limit: number, silenceMs: number, onBytes?: (bytes: number) => void): Promise<Uint8Array | undefined> {
    this.throwIfAborted()
    const waiting = this.#deframer.take(limit)
    if (waiting !== undefined) return waiting
    return await this.#within(silenceMs, 'no frame came', async (rearm) => {
      let counted = this.#bytesIn
      let told = counted
      while (await this.#readMore()) {
        onBytes?.(this.#bytesIn - told)
        told = this.#bytesIn
        const frame = this.#deframer.take(limit)
        if (frame !== undefined) return frame
        if (this.#bytesIn - counted < PROGRESS_BYTES) continue
        counted = this.#bytesIn
        rearm()
      }
      if (this.#deframer.isMidFrame) throw new RpcError('RPC_STREAM_TORN', 'the stream ended within a frame')
      return undefined
    })
  }

  /**
   * Writes a frame. Resolves once the stream would take another.
   *
   * @param stallMs longest wait for the peer to take the whole frame, or another 64 KiB of it
   * @throws {RpcError} `RPC_STREAM_TORN`, `RPC_TIMEOUT`, or the reason of an abort
   */
  async write(frame: Uint8ArrayList, stallMs: number): Promise<void> {
    this.throwIfAborted()
    this.#bytesOut += frame.byteLength
    await this.#within(stallMs, 'the peer did not read', (rearm) => {
      let counted = Number.POSITIVE_INFINITY
      return this.#writer.write(frame, (waiting) => {
        if (counted - waiting < PROGRESS_BYTES) return
        counted = waiting
        rearm()
      })
    })
  }

  /**
   * Waits until there is something to read. The stream is aborted when nothing came in time.
   *
   * @throws {RpcError} `RPC_STREAM_TORN`, or the reason of an abort
   */
  async awaitBytes(milliseconds: number): Promise<Awaited> {
    if (this.#deframer.isMidFrame) return 'bytes'
    try {
      return await this.#within(milliseconds, 'nothing came', async () => ((await this.#readMore()) ? 'bytes' : 'end'))
    } catch (thrown) {
      if (thrown instanceof RpcError && thrown.code === 'RPC_TIMEOUT') return 'expired'
      throw thrown
    }
  }

  /** Reads nothing for a while, so that the peer is held back once the stream's window is full. Tells at once when the stream is over. */
  async rest(milliseconds: number): Promise<'rested' | 'over'> {
    const stream = this.#stream
    if (stream.status !== 'open') return 'over'
    return await new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer)
        stream.removeEventListener('close', end)
        resolve(stream.status === 'open' ? 'rested' : 'over')
      }
      const timer = setTimeout(end, milliseconds)
      stream.addEventListener('close', end)
    })
  }

  /**
   * Ends the stream: closes this side and waits for the peer to close its own. The stream is aborted when it does not, or still sends.
   *
   * @throws {RpcError} `RPC_STREAM_TORN`, `RPC_TIMEOUT`, or the reason of an abort
   */
  async finish(milliseconds: number): Promise<Awaited> {
    this.throwIfAborted()
    await this.#within(milliseconds, 'the peer did not read', () => this.#closeWrite())
    const last = await this.awaitBytes(milliseconds)
    if (last === 'bytes') this.abort(new RpcError('RPC_UNEXPECTED_FRAME', 'bytes after the end of an exchange'))
    return last
  }

  /** Calls `onChange` when bytes, the end or a reset come while nobody reads. `undefined` stops that. */
  watch(onChange: (() => void) | undefined): void {
    this.#reader.watch(onChange)
  }

  /** Resets the stream. Whatever waits on it, now or later, throws the first reason given. */
  abort(reason: unknown): void {
    this.#failure ??= { reason }
    this.#stream.abort(toError(reason))
  }

  /** @throws the reason of an abort */
  throwIfAborted(): void {
    if (this.#failure !== undefined) throw this.#failure.reason
  }

  async #readMore(): Promise<boolean> {
    const data = await this.#reader.read()
    if (data === undefined) return false
    this.#bytesIn += data.byteLength
    this.#deframer.push(data)
    return true
  }

  /** The stream's own `close()` never settles when an abort comes while it waits. */
  #closeWrite(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#stream.addEventListener('close', ({ error }) => (error === undefined ? resolve() : reject(error)), {
        once: true
      })
      this.#stream.close().then(resolve, reject)
    })
  }

  async #within<T>(milliseconds: number, what: string, work: (rearm: () => void) => Promise<T>): Promise<T> {
    const expire = () => this.abort(new RpcError('RPC_TIMEOUT', `${what} within ${milliseconds} ms`))
    let timer = setTimeout(expire, milliseconds)
    try {
      return await work(() => {
        clearTimeout(timer)
        timer = setTimeout(expire, milliseconds)
      })
    } catch (thrown) {
      this.throwIfAborted()
      if (thrown instanceof RpcError) throw thrown
      throw new RpcError('RPC_STREAM_TORN', `the stream was torn: ${toError(thrown).message}`, { cause: thrown })
    } finally {
      clearTimeout(timer)
    }
  }
}
