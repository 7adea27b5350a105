import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { MAX_RESPONSE_FRAME_BYTES } from '../rpc/frame-messages.ts'
import { WireError } from '../runtime/wire-error.ts'
import type { WireMessage } from '../runtime/wire-message.ts'
import {
  BLOCKS_FRAME,
  CHECKSUM_BYTES,
  ChainFileError,
  type ChainFileHeader,
  COMMITS_FRAME,
  decodeHeader,
  FILE_END,
  FRAME_HEAD_BYTES,
  HEADER_BYTES
} from './chain-file.ts'

/** Bytes read at once for the checksum. */
const CHUNK_BYTES = 1024 * 1024

/** Reads a chain file, a frame at a time. Nothing is allocated by a length in the file that is over the limit of the wire. */
export class ChainFileReader {
  readonly #file: FileHandle
  readonly header: ChainFileHeader
  /** Of the whole file. */
  readonly bytes: number
  #position = HEADER_BYTES

  private constructor(file: FileHandle, header: ChainFileHeader, bytes: number) {
    this.#file = file
    this.header = header
    this.bytes = bytes
  }

  /** @throws {ChainFileError} `CHAIN_FILE_INVALID`, `CHAIN_FILE_WRONG_VERSION`, `CHAIN_FILE_DAMAGED` */
  static async open(file: FileHandle): Promise<ChainFileReader> {
    const { size } = await file.stat()
    const head = await readExactly(file, 0, Math.min(HEADER_BYTES, size))
    if (head.byteLength < HEADER_BYTES) decodeHeader(Buffer.concat([head, Buffer.alloc(HEADER_BYTES)]))
    if (size < HEADER_BYTES + 1 + CHECKSUM_BYTES) throw cutShort()
    return new ChainFileReader(file, decodeHeader(head), size)
  }

  /** Where the next frame begins. It may be set to what it was before. */
  get position(): number {
    return this.#position
  }

  set position(position: number) {
    this.#position = position
  }

  /**
   * Compares the whole file with its checksum.
   *
   * @throws {ChainFileError} `CHAIN_FILE_DAMAGED`; the signal's reason
   */
  async check({ signal, onProgress }: { signal: AbortSignal; onProgress?: (bytes: number) => void }): Promise<void> {
    const hash = createHash('sha256')
    const end = this.bytes - CHECKSUM_BYTES
    for (let at = 0; at < end; at += CHUNK_BYTES) {
      signal.throwIfAborted()
      hash.update(await readExactly(this.#file, at, Math.min(CHUNK_BYTES, end - at)))
      onProgress?.(Math.min(at + CHUNK_BYTES, this.bytes))
    }
    if (hash.digest().equals(await readExactly(this.#file, end, CHECKSUM_BYTES))) return
    throw new ChainFileError('CHAIN_FILE_DAMAGED', 'the file is not what was written: its checksum differs')
  }

  /** The kind of the next frame. */
  async nextKind(): Promise<number> {
    if (this.#position >= this.#end) throw cutShort()
    return (await readExactly(this.#file, this.#position, 1))[0] as number
  }

  /**
   * The next frame, where it is of that kind.
   *
   * @throws {ChainFileError} `CHAIN_FILE_INVALID`, `CHAIN_FILE_DAMAGED`
   */
  async next<T>(kind: number, message: WireMessage<T>): Promise<T | undefined> {
    if ((await this.nextKind()) !== kind) return undefined
    const left = this.#end - this.#position - FRAME_HEAD_BYTES
    if (left < 0) throw cutShort()
    const length = (await readExactly(this.#file, this.#position, FRAME_HEAD_BYTES)).readUInt32BE(1)
    if (length > MAX_RESPONSE_FRAME_BYTES) {
      throw new ChainFileError('CHAIN_FILE_INVALID', `a frame of ${length} bytes, over ${MAX_RESPONSE_FRAME_BYTES}`)
    }
    if (length > left) throw cutShort()
    const bytes = await readExactly(this.#file, this.#position + FRAME_HEAD_BYTES, length)
    this.#position += FRAME_HEAD_BYTES + length
    try {
      return message.decode(bytes)
    } catch (cause) {
      if (!(cause instanceof WireError)) throw cause
      throw new ChainFileError('CHAIN_FILE_INVALID', `not a ${message.name}: ${cause.message}`, { cause })
    }
  }

  /** Passes over the frames of a kind. */
  async skip(kind: number): Promise<void> {
    while ((await this.nextKind()) === kind) {
      const left = this.#end - this.#position - FRAME_HEAD_BYTES
      const length = (await readExactly(this.#file, this.#position, FRAME_HEAD_BYTES)).readUInt32BE(1)
      if (length > left) throw cutShort()
      this.#position += FRAME_HEAD_BYTES + length
    }
  }

  /** Whether the ranges are at their end, and there is nothing behind it. @throws {ChainFileError} `CHAIN_FILE_INVALID` */
  async isAtEnd(): Promise<boolean> {
    const kind = await this.nextKind()
    if (kind === COMMITS_FRAME) return false
    if (kind === FILE_END && this.#position + 1 === this.#end) return true
    const what = kind === BLOCKS_FRAME ? 'blocks that no commit of their range names' : `a frame of kind ${kind}`
    throw new ChainFileError('CHAIN_FILE_INVALID', `${what} at byte ${this.#position}`)
  }

  /** Where the checksum begins. */
  get #end(): number {
    return this.bytes - CHECKSUM_BYTES
  }
}

async function readExactly(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length)
  for (let filled = 0; filled < length; ) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, position + filled)
    if (bytesRead === 0) throw cutShort()
    filled += bytesRead
  }
  return buffer
}

function cutShort(): ChainFileError {
  return new ChainFileError('CHAIN_FILE_DAMAGED', 'the file is cut short')
}
