import type { BlockRef } from '../consensus/block-ref.ts'
import type { CommitRef } from '../consensus/commit-ref.ts'
import type { Genesis } from '../consensus/genesis.ts'
import { genesisCommitRef } from '../consensus/genesis.ts'
import { MAX_COMMITTEE_SIZE } from '../consensus/limits.ts'
import { RpcError } from '../rpc/rpc-error.ts'
import type { CommitStore } from '../storage/commit-store.ts'
import {
  type FetchBlocksRequest,
  type FetchBlocksResponse,
  type FetchCommitsRequest,
  type FetchCommitsResponse,
  type GetCommitAvailabilityResponse,
  type GetCommitInfoRequest,
  type GetCommitInfoResponse,
  MAX_BLOCKS_PER_FETCH,
  MAX_COMMITS_PER_FETCH
} from './messages.ts'

/** A frame is sent once it holds so much: large enough for throughput, small enough to verify one while the next comes and to share the server's event loop. */
const FRAME_TARGET_BYTES: number = 256 * 1024
/** Most commits or blocks read from the store at once. */
const MAX_PER_READ = 64
const FIRST_READ = 4
/** Blocks looked for in vain before others have their turn: some milliseconds. */
const MAX_MISSED = 64

export interface CommitServerInit {
  readonly genesis: Genesis
  readonly store: CommitStore
}

/**
 * Answers peers from the store, a frame at a time. It offers only what it can prove: an answer to FetchCommits always ends with a commit
 * whose certifier blocks it has.
 */
export class CommitServer {
  readonly #genesis: Genesis
  readonly #store: CommitStore

  constructor(init: CommitServerInit) {
    this.#genesis = init.genesis
    this.#store = init.store
  }

  async availability(): Promise<GetCommitAvailabilityResponse> {
    const { highestCertifiable, lowestAvailable } = this.#store.watermarks
    return { highestCertifiable, lowestAvailable }
  }

  async commitInfo(request: GetCommitInfoRequest): Promise<GetCommitInfoResponse> {
    const asked = [request.latest === true ? true : undefined, request.index, request.digest].filter(
      (by) => by !== undefined
    )
    if (asked.length !== 1) throw new RpcError('RPC_INVALID_REQUEST', 'ask by exactly one of latest, index and digest')
    const commit = await this.#findCommit(request)
    if (commit === undefined) throw this.#notFound('no such commit')
    return { commit }
  }

  async *fetchCommits({ start, end }: FetchCommitsRequest, signal: AbortSignal): AsyncGenerator<FetchCommitsResponse> {
    if (start < 1 || end < start || end - start >= MAX_COMMITS_PER_FETCH) {
      throw new RpcError('RPC_INVALID_REQUEST', `a range of 1 to ${MAX_COMMITS_PER_FETCH} commits from 1 on`)
    }
    const last = await this.#provableEnd(start, end)
    const frame = new FrameFiller(MAX_COMMITS_PER_FETCH, (commits) => ({ commits, certifierBlocks: [] }))
    const pace = new ReadPace()
    let next = start
    while (next <= last) {
      const first = next
      for await (const commit of this.#store.readCommits(first, Math.min(last, first + pace.items - 1), { signal })) {
        pace.count(commit.bytes)
        yield* frame.add(commit.bytes)
        next += 1
      }
      if (next === first) break
    }
    const certifiers = await this.#store.getCertifiers(last)
    if (next <= last || certifiers.length === 0) throw this.#notFound('pruned in the meantime')
    yield* frame.flush()
    const certifierFrame = new FrameFiller(MAX_COMMITTEE_SIZE, (certifierBlocks) => ({ commits: [], certifierBlocks }))
    for (const block of certifiers) yield* certifierFrame.add(block)
    yield* certifierFrame.flush()
  }

  /** Yields `undefined` now and then while it finds nothing: others have their turn then. */
  async *fetchBlocks(
    { refs }: FetchBlocksRequest,
    signal: AbortSignal
  ): AsyncGenerator<FetchBlocksResponse | undefined> {
    if (refs.length === 0) throw new RpcError('RPC_INVALID_REQUEST', 'no block references')
    const frame = new FrameFiller(MAX_BLOCKS_PER_FETCH, (blocks) => ({ blocks }))
    const pace = new ReadPace()
    let missed = 0
    for (let offset = 0; offset < refs.length; ) {
      signal.throwIfAborted()
      const some = refs.slice(offset, offset + pace.items)
      offset += some.length
      const read = await this.#readBlocks(some, frame, pace)
      missed += read.missed
      while (read.full.length > 0) yield read.full.shift()
      if (missed < MAX_MISSED) continue
      missed = 0
      yield undefined
    }
    yield* frame.flush()
  }

  /** Reads blocks into frames. Whoever waits for its turn holds no more than the frames that are left to send. */
  async #readBlocks(
    refs: readonly BlockRef[],
    frame: FrameFiller<FetchBlocksResponse>,
    pace: ReadPace
  ): Promise<{ full: FetchBlocksResponse[]; missed: number }> {
    const full: FetchBlocksResponse[] = []
    let missed = 0
    for (const block of await this.#store.getBlocks(refs)) {
      if (block === undefined) {
        missed += 1
        continue
      }
      pace.count(block)
      full.push(...frame.add(block))
    }
    if (frame.isLarge) full.push(...frame.flush())
    return { full, missed }
  }

  async #findCommit({ index, digest }: GetCommitInfoRequest): Promise<CommitRef | undefined> {
    if (index === 0) return genesisCommitRef(this.#genesis)
    if (index !== undefined) return (await this.#store.getCommit(index))?.ref
    if (digest === undefined) return this.#store.watermarks.highestSynced
    const found = await this.#store.getCommitIndex(digest)
    return found === undefined ? undefined : { index: found, digest }
  }

  /** The highest commit of a wanted range that the store can prove, not beyond the end of the first one's epoch. */
  async #provableEnd(start: number, end: number): Promise<number> {
    const { lowestAvailable, highestCertifiable } = this.#store.watermarks
    if (start < lowestAvailable) throw this.#notFound('pruned')
    if (start > highestCertifiable) throw this.#notFound('not there yet')
    const first = await this.#store.getCommit(start)
    if (first === undefined) throw this.#notFound('pruned')
    const lastOfEpoch = (await this.#store.getLastCommitOfEpoch(first.commit.epoch)) ?? end
    const last = await this.#store.highestCertifiableIn(start, Math.min(end, lastOfEpoch))
    if (last === undefined) throw new RpcError('RPC_UNAVAILABLE', 'no commit in this range is certifiable here')
    return last
  }

  #notFound(message: string): RpcError {
    return new RpcError('RPC_NOT_FOUND', message, { lowestAvailable: this.#store.watermarks.lowestAvailable })
  }
}

/** How many items are read at once: about a frame's worth by the largest so far, and few before any was seen, for each may be of megabytes. */
class ReadPace {
  #largest: number | undefined

  get items(): number {
    const items = this.#largest === undefined ? FIRST_READ : Math.floor(FRAME_TARGET_BYTES / this.#largest)
    return Math.max(1, Math.min(MAX_PER_READ, items))
  }

  count({ byteLength }: Uint8Array): void {
    this.#largest = Math.max(this.#largest ?? 1, byteLength)
  }
}

/** Gathers items into frames of about the target size. A single item may be larger; none is above the frame limit. */
class FrameFiller<T> {
  readonly #maxItems: number
  readonly #make: (items: readonly Uint8Array[]) => T
  #items: Uint8Array[] = []
  #bytes = 0

  constructor(maxItems: number, make: (items: readonly Uint8Array[]) => T) {
    this.#maxItems = maxItems
    this.#make = make
  }

  /** Whether it is filled so far that another read would not fit. */
  get isLarge(): boolean {
    return this.#bytes > FRAME_TARGET_BYTES / 2
  }

  *add(item: Uint8Array): Generator<T> {
    if (this.#bytes > 0 && this.#bytes + item.byteLength > FRAME_TARGET_BYTES) yield* this.flush()
    this.#items.push(item)
    this.#bytes += item.byteLength
    if (this.#items.length === this.#maxItems) yield* this.flush()
  }

  *flush(): Generator<T> {
    if (this.#items.length === 0) return
    const items = this.#items
    this.#items = []
    this.#bytes = 0
    yield this.#make(items)
  }
}
