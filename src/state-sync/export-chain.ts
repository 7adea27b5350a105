import { createHash } from 'node:crypto'
import type { Writable } from 'node:stream'
import { decodeCommit } from '../consensus/commit.ts'
import type { Genesis } from '../consensus/genesis.ts'
import type { CommitStore } from '../storage/commit-store.ts'
import { StorageError } from '../storage/storage-error.ts'
import { BLOCKS_FRAME, ChainFileError, COMMITS_FRAME, encodeFrameHead, encodeHeader, FILE_END } from './chain-file.ts'
import { CommitServer } from './commit-server.ts'
import {
  fetchBlocksResponseMessage,
  fetchCommitsResponseMessage,
  MAX_BLOCKS_PER_FETCH,
  MAX_COMMITS_PER_FETCH
} from './messages.ts'

/** What is written, from where and to where. */
export interface ExportChainInit {
  readonly genesis: Genesis
  readonly store: CommitStore
  /** @default the lowest available commit */
  readonly from?: number | undefined
  /** The file ends with the highest certifiable commit that is not above it. @default the highest certifiable one */
  readonly to?: number | undefined
  /** Where the bytes go. It is left open. */
  readonly out: Writable
  readonly signal: AbortSignal
  readonly onProgress?: ((progress: ExportProgress) => void) | undefined
}

/** How far an export is. */
export interface ExportProgress {
  /** The highest commit written. */
  readonly commit: number
  readonly start: number
  readonly end: number
  readonly bytes: number
}

/**
 * Writes a range of the chain, with its blocks and what certifies it, as a chain file: what a server would answer to a peer that asks for one range after the other.
 * A few megabytes are in memory at once.
 *
 * @throws {ChainFileError} `CHAIN_FILE_EMPTY_RANGE`; {@link StorageError}; {@link RpcError} where a hundred commits have none that is certifiable; what the stream fails with; the signal's reason
 */
export async function exportChain(init: ExportChainInit): Promise<ExportProgress> {
  const { genesis, store, signal } = init
  const { start, end } = await rangeOf(init)
  const file = new FileWriter(init.out, signal)
  await file.write(encodeHeader({ chainId: genesis.chainId, start, end }))
  const server = new CommitServer({ genesis, store })
  for (let next = start; next <= end; ) {
    signal.throwIfAborted()
    const refs = []
    const request = { start: next, end: Math.min(next + MAX_COMMITS_PER_FETCH - 1, end) }
    for await (const response of server.fetchCommits(request, signal)) {
      await file.frame(COMMITS_FRAME, fetchCommitsResponseMessage.encode(response))
      for (const bytes of response.commits) refs.push(...decodeCommit(bytes).commit.blocks)
      next += response.commits.length
    }
    for (let at = 0; at < refs.length; at += MAX_BLOCKS_PER_FETCH) {
      const wanted = refs.slice(at, at + MAX_BLOCKS_PER_FETCH)
      let missing = wanted.length
      for await (const response of server.fetchBlocks({ refs: wanted }, signal)) {
        if (response === undefined) continue
        await file.frame(BLOCKS_FRAME, fetchBlocksResponseMessage.encode(response))
        missing -= response.blocks.length
      }
      if (missing > 0) {
        const what = `${missing} blocks of commits ${request.start} to ${next - 1} are missing`
        throw new StorageError('STORAGE_CORRUPTED', what)
      }
    }
    init.onProgress?.({ commit: next - 1, start, end, bytes: file.bytes })
  }
  await file.write(Buffer.of(FILE_END))
  await file.write(file.checksum())
  return { commit: end, start, end, bytes: file.bytes }
}

async function rangeOf({ store, from, to }: ExportChainInit): Promise<{ start: number; end: number }> {
  const { lowestAvailable, highestCertifiable, highestSynced } = store.watermarks
  const start = from ?? lowestAvailable
  const last = Math.min(to ?? highestCertifiable, highestCertifiable)
  const end = start < lowestAvailable ? undefined : await store.highestCertifiableIn(start, last)
  if (end !== undefined) return { start, end }
  const asked = `commits ${start} to ${to ?? highestSynced.index}`
  const has = `the store has ${lowestAvailable} to ${highestSynced.index}, certifiable to ${highestCertifiable}`
  throw new ChainFileError('CHAIN_FILE_EMPTY_RANGE', `${asked} cannot be exported: ${has}`)
}

/** Writes as fast as it is taken, and counts. */
class FileWriter {
  readonly #out: Writable
  readonly #signal: AbortSignal
  readonly #hash = createHash('sha256')
  #bytes = 0

  constructor(out: Writable, signal: AbortSignal) {
    this.#out = out
    this.#signal = signal
  }

  get bytes(): number {
    return this.#bytes
  }

  async frame(kind: number, message: Uint8Array): Promise<void> {
    await this.write(encodeFrameHead(kind, message.byteLength))
    await this.write(message)
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes)
    this.#bytes += bytes.byteLength
    this.#signal.throwIfAborted()
    if (this.#out.errored) throw this.#out.errored
    await this.#taken(bytes)
  }

  /** Waits for room after bytes that fill the buffer. Whoever takes them may stall, or go without a word: no stream tells of room then. */
  #taken(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => reject(this.#signal.reason)
      const isRoomLeft = this.#out.write(bytes, (error) => {
        this.#signal.removeEventListener('abort', onAbort)
        if (error) reject(error)
        else resolve()
      })
      if (isRoomLeft) resolve()
      else this.#signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  checksum(): Uint8Array {
    return this.#hash.copy().digest()
  }
}
