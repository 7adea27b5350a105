import type { Uint8ArrayList } from 'uint8arraylist'
import { RpcError } from './rpc-error.ts'

/** Bytes of a length prefix at most, as of every varint on this wire. Shorter lengths in more bytes are fine. */
const MAX_PREFIX_BYTES = 10
/** Chunks below this are gathered: each view costs a hundred bytes, and keeps alive the whole network buffer it looks into. */
const SMALL_CHUNK_BYTES = 4 * 1024
const GATHER_BLOCK_BYTES = 8 * 1024

/**
 * Cuts a stream of bytes into frames: an unsigned varint length, and as many bytes.
 *
 * Nothing is allocated by the length that a peer states, only for bytes that have come. A frame within one chunk is a view into it, any other is
 * copied once.
 */
export class Deframer {
  #chunks: Uint8Array[] = []
  #buffered = 0
  #prefixBytes = 0
  #length = 0
  #prefixDone = false
  /** Holds gathered chunks; the last of `#chunks` is then a view of it, up to `#blockEnd`. */
  #block: Uint8Array<ArrayBuffer> | undefined
  #blockEnd = 0

  /** Bytes waiting. */
  get buffered(): number {
    return this.#buffered
  }

  /** Whether a frame has begun and is not whole. */
  get isMidFrame(): boolean {
    return this.#prefixBytes > 0 || this.#buffered > 0
  }

  push(data: Uint8Array | Uint8ArrayList): void {
    if (data instanceof Uint8Array) this.#append(data)
    else for (const chunk of data) this.#append(chunk)
  }

  /**
   * The next frame, or `undefined` while it is not whole.
   *
   * @param limit most bytes of it
   * @throws {RpcError} `RPC_OVERSIZE_FRAME`, `RPC_BAD_FRAME`
   */
  take(limit: number): Uint8Array | undefined {
    if (!this.#prefixDone && !this.#readPrefix()) return undefined
    if (this.#length > limit)
      throw new RpcError('RPC_OVERSIZE_FRAME', `a frame of ${this.#length} bytes, over ${limit}`)
    if (this.#buffered < this.#length) return undefined
    const frame = this.#consume(this.#length)
    this.#prefixDone = false
    this.#prefixBytes = 0
    this.#length = 0
    return frame
  }

  #readPrefix(): boolean {
    while (this.#buffered > 0) {
      const byte = this.#consume(1)[0] ?? 0
      this.#length += (byte & 0x7f) * 2 ** (7 * this.#prefixBytes)
      this.#prefixBytes += 1
      if (byte < 0x80) {
        this.#prefixDone = true
        return true
      }
      if (this.#prefixBytes === MAX_PREFIX_BYTES) throw new RpcError('RPC_BAD_FRAME', 'a length prefix without an end')
    }
    return false
  }

  #consume(bytes: number): Uint8Array {
    this.#buffered -= bytes
    const first = this.#chunks[0]
    if (first !== undefined && first.byteLength > bytes) {
      this.#chunks[0] = first.subarray(bytes)
      return first.subarray(0, bytes)
    }
    if (first !== undefined && first.byteLength === bytes) {
      this.#chunks.shift()
      return first
    }
    return this.#gather(bytes)
  }

  #gather(bytes: number): Uint8Array {
    const frame = new Uint8Array(bytes)
    let filled = 0
    let whole = 0
    for (const chunk of this.#chunks) {
      const part = chunk.subarray(0, bytes - filled)
      frame.set(part, filled)
      filled += part.byteLength
      if (part.byteLength < chunk.byteLength) {
        this.#chunks[whole] = chunk.subarray(part.byteLength)
        break
      }
      whole += 1
      if (filled === bytes) break
    }
    this.#chunks.splice(0, whole)
    return frame
  }

  #append(chunk: Uint8Array): void {
    if (chunk.byteLength === 0) return
    this.#buffered += chunk.byteLength
    if (chunk.byteLength < SMALL_CHUNK_BYTES && this.#chunks.length > 0) {
      this.#appendSmall(chunk)
      return
    }
    this.#block = undefined
    this.#chunks.push(chunk)
  }

  #appendSmall(chunk: Uint8Array): void {
    const tail = this.#chunks.at(-1)
    if (this.#block === undefined || tail === undefined || this.#blockEnd + chunk.byteLength > GATHER_BLOCK_BYTES) {
      this.#block = new Uint8Array(GATHER_BLOCK_BYTES)
      this.#blockEnd = 0
      this.#chunks.push(this.#block.subarray(0, chunk.byteLength))
    } else {
      const grown = new Uint8Array(this.#block.buffer, tail.byteOffset, tail.byteLength + chunk.byteLength)
      this.#chunks[this.#chunks.length - 1] = grown
    }
    this.#block.set(chunk, this.#blockEnd)
    this.#blockEnd += chunk.byteLength
  }
}
