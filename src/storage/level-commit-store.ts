import type { BlockRef } from '../consensus/block-ref.ts'
import type { TrustedCommit } from '../consensus/commit.ts'
import { type CommittedSubDag, subDagBytes } from '../consensus/committed-sub-dag.ts'
import { type Committee, decodeCommittee } from '../consensus/committee.ts'
import type { Digest } from '../consensus/digest.ts'
import type { Genesis } from '../consensus/genesis.ts'
import type { TrustedCheckpoint } from '../consensus/trusted-checkpoint.ts'
import { planBeginning } from './begin-plan.ts'
import type { CertifierCopies } from './certifier-copies.ts'
import { readBlocks, readCertifiers, readCommit, readCommitPage, readSubDag } from './chain-reader.ts'
import {
  type ChainState,
  highestCertifiableIn,
  readBeginning,
  readCopies,
  readState,
  refuseHole
} from './chain-state.ts'
import type { CommitStore, StoreWrite, Watermarks } from './commit-store.ts'
import { closedError, type Database, type Operation } from './database.ts'
import {
  committeeKey,
  cursorKey,
  cursorName,
  cursorRange,
  digestIndexKey,
  encodeNumber,
  lastOfEpochKey,
  lowestKey,
  readNumber,
  recordKey
} from './keys.ts'
import { corrupted } from './level-error.ts'
import { deletePage } from './prune.ts'
import { SerialQueue } from './serial-queue.ts'
import { StorageError } from './storage-error.ts'
import { type PlanContext, planWrite } from './write-plan.ts'

/** Most bytes of a record: they are read and written whole. */
const MAX_RECORD_BYTES = 1024 * 1024
/** Most bytes of the name of a cursor or record: they are keys, and shown to people. */
const MAX_NAME_BYTES = 255

/**
 * The chain in a database of the abstract-level family, in memory or on disk: see `openMemoryStore` and `openLevelStore`.
 *
 * Writes queue and run one at a time. Reads do not wait for them, and never look above the watermark or below the lowest available commit.
 */
export class LevelCommitStore implements CommitStore {
  readonly #database: Database
  readonly #genesis: Genesis
  readonly #writes = new SerialQueue()
  #state: ChainState
  #copies: CertifierCopies
  #watermarks: Watermarks
  /** Below it every pruned commit is known to be deleted. */
  #deletedBelow = 0
  /** A write failed and none has succeeded since: what it brought may turn up when the database is opened anew. */
  #doubtful = false
  /** The database was opened anew, and what it holds has not been looked at since. */
  #isStale = false
  #closing: Promise<void> | undefined

  private constructor(database: Database, genesis: Genesis, state: ChainState, copies: CertifierCopies) {
    this.#database = database
    this.#genesis = genesis
    this.#state = state
    this.#copies = copies
    this.#watermarks = watermarksOf(state)
  }

  /**
   * The store over a database that holds this chain. A pruning that a crash had interrupted is ended first.
   *
   * @throws {StorageError} `STORAGE_CORRUPTED`, `STORAGE_READ_FAILED`, `STORAGE_WRITE_FAILED`
   */
  static async load(database: Database, genesis: Genesis): Promise<LevelCommitStore> {
    const state = await readState(database)
    await refuseHole(database, state)
    const store = new LevelCommitStore(database, genesis, state, await readCopies(database, state))
    await store.#deletePruned()
    return store
  }

  get watermarks(): Watermarks {
    return this.#watermarks
  }

  async write(write: StoreWrite): Promise<void> {
    await this.#exclusive(
      async () => {
        const plan = await planWrite(this.#context, this.#doubtful ? await this.#withoutStored(write) : write)
        if (plan.operations.length === 0) return
        this.#doubtful = true
        await this.#database.write(plan.operations)
        this.#doubtful = false
        this.#copies.apply(plan.copies, plan.state.tip.index)
        this.#move(plan.state)
      },
      () => write.commits.reduce((sum, subDag) => sum + subDagBytes(subDag), 0)
    )
  }

  async beginAt(checkpoint: TrustedCheckpoint): Promise<void> {
    await this.#exclusive(async () => {
      const { operations, state } = await planBeginning(this.#context, checkpoint)
      if (operations.length > 0) await this.#database.write(operations)
      this.#move(state)
    })
  }

  async getBeginning(): Promise<TrustedCheckpoint | undefined> {
    const beginning = await readBeginning(this.#database)
    if (beginning === undefined) return undefined
    const committee = await this.getCommittee(beginning.epoch)
    if (committee === undefined) throw corrupted(`no committee of epoch ${beginning.epoch}, which the chain begins in`)
    return { commit: beginning.commit, committee }
  }

  async getCommit(index: number): Promise<TrustedCommit | undefined> {
    return this.#available(index, () => readCommit(this.#database, index), undefined)
  }

  async getCommitIndex(digest: Digest): Promise<number | undefined> {
    const index = await this.#getNumber(digestIndexKey(digest), 'the index of a commit')
    return index !== undefined && this.#isAvailable(index) ? index : undefined
  }

  async *readCommits(
    start: number,
    end: number,
    options: { signal?: AbortSignal } = {}
  ): AsyncGenerator<TrustedCommit, void, undefined> {
    for (let next = start; next <= end; ) {
      const from = next
      const to = Math.min(end, this.#state.tip.index)
      const page = await this.#available(from, () => readCommitPage(this.#database, from, to), [])
      if (page.length === 0) return
      for (const commit of page) {
        options.signal?.throwIfAborted()
        yield commit
      }
      next += page.length
    }
  }

  getBlocks(refs: readonly BlockRef[]): Promise<(Uint8Array | undefined)[]> {
    return readBlocks(this.#database, refs)
  }

  async getSubDag(index: number): Promise<CommittedSubDag | undefined> {
    return this.#available(index, () => readSubDag(this.#database, index), undefined)
  }

  async getCertifiers(index: number): Promise<Uint8Array[]> {
    return this.#available(index, () => readCertifiers(this.#database, index), [])
  }

  async highestCertifiableIn(start: number, end: number): Promise<number | undefined> {
    this.#assertOpen()
    const { lowestAvailable, highestCertifiable } = this.#state
    return highestCertifiableIn(this.#database, Math.max(start, lowestAvailable), Math.min(end, highestCertifiable))
  }

  async getCommittee(epoch: number): Promise<Committee | undefined> {
    this.#assertOpen()
    if (epoch === 0) return this.#genesis.committee
    const bytes = isNumber(epoch) ? await this.#database.get(committeeKey(epoch)) : undefined
    if (bytes === undefined) return undefined
    try {
      return decodeCommittee(bytes)
    } catch (cause) {
      throw corrupted(`the committee of epoch ${epoch} does not decode`, { cause })
    }
  }

  async getLastCommitOfEpoch(epoch: number): Promise<number | undefined> {
    this.#assertOpen()
    return isNumber(epoch) ? this.#getNumber(lastOfEpochKey(epoch), `the last commit of epoch ${epoch}`) : undefined
  }

  async prune(index: number): Promise<number> {
    if (!Number.isSafeInteger(index)) throw invalid(`prune below ${index}`)
    await this.#exclusive(async () => {
      const lowestAvailable = Math.min(index, this.#state.tip.index)
      if (lowestAvailable <= this.#state.lowestAvailable) return
      await this.#database.write([{ type: 'put', key: lowestKey, value: encodeNumber(lowestAvailable) }])
      const { highestCertifiable } = this.#state
      const certifiable = highestCertifiable < lowestAvailable ? 0 : highestCertifiable
      this.#move({ ...this.#state, lowestAvailable, highestCertifiable: certifiable })
    })
    await this.#deletePruned()
    return this.#state.lowestAvailable
  }

  async getCursor(name: string): Promise<number | undefined> {
    return this.#getNumber(cursorKey(checkName(name)), `the position of cursor ${name}`)
  }

  async setCursor(name: string, position: number): Promise<void> {
    if (!isNumber(position)) throw invalid(`position ${position} of cursor ${name}`)
    await this.#apply({ type: 'put', key: cursorKey(checkName(name)), value: encodeNumber(position) })
  }

  async deleteCursor(name: string): Promise<void> {
    await this.#apply({ type: 'del', key: cursorKey(checkName(name)) })
  }

  async listCursors(): Promise<ReadonlyMap<string, number>> {
    const cursors = await this.#database.entries(cursorRange)
    return new Map(cursors.map(([key, value]) => [cursorName(key), storedNumber(value, 'the position of a cursor')]))
  }

  async getRecord(name: string): Promise<Uint8Array | undefined> {
    return this.#database.get(recordKey(checkName(name)))
  }

  async setRecord(name: string, value: Uint8Array): Promise<void> {
    if (value.byteLength > MAX_RECORD_BYTES) {
      throw invalid(`record ${name} of ${value.byteLength} bytes, over ${MAX_RECORD_BYTES}`)
    }
    await this.#apply({ type: 'put', key: recordKey(checkName(name)), value })
  }

  close(): Promise<void> {
    this.#closing ??= this.#writes.run(() => this.#database.close())
    return this.#closing
  }

  /** What a write is planned against. */
  get #context(): PlanContext {
    return { database: this.#database, genesis: this.#genesis, state: this.#state, copies: this.#copies }
  }

  #apply(operation: Operation): Promise<void> {
    return this.#exclusive(() => this.#database.write([operation]))
  }

  /** Runs a task that writes, when those before it have ended. `bytes` is about what it will write. */
  async #exclusive(task: () => Promise<void>, bytes: () => number = () => MAX_RECORD_BYTES): Promise<void> {
    this.#assertOpen()
    await this.#writes.run(async () => {
      if (await this.#database.recover(bytes)) this.#isStale = true
      if (this.#isStale) {
        const state = await readState(this.#database)
        this.#copies = await readCopies(this.#database, state)
        this.#move(state)
        this.#isStale = false
      }
      await task()
    })
  }

  /** A write without the commits that turned out to be stored, by it or by a longer one, where they are of the same chain. */
  async #withoutStored(write: StoreWrite): Promise<StoreWrite> {
    const { commits } = write
    let stored = 0
    for (const { commit } of commits) {
      const { index, digest } = commit.ref
      if (index > this.#state.tip.index || (await this.getCommitIndex(digest)) !== index) break
      stored += 1
    }
    return { ...write, commits: commits.slice(stored) }
  }

  /** Deletes what lies below the lowest available commit, page by page, so that other writes come between. */
  async #deletePruned(): Promise<void> {
    while (this.#deletedBelow < this.#state.lowestAvailable) {
      await this.#exclusive(async () => {
        this.#deletedBelow = await deletePage(this.#database, this.#deletedBelow, this.#state.lowestAvailable)
      })
    }
  }

  /** Reads something of an available commit. What is missing because the commit was pruned meanwhile counts as absent. */
  async #available<T>(index: number, read: () => Promise<T>, absent: T): Promise<T> {
    this.#assertOpen()
    if (!this.#isAvailable(index)) return absent
    try {
      return await read()
    } catch (thrown) {
      if (thrown instanceof StorageError && thrown.code === 'STORAGE_CORRUPTED' && !this.#isAvailable(index))
        return absent
      throw thrown
    }
  }

  #isAvailable(index: number): boolean {
    return Number.isSafeInteger(index) && index >= this.#state.lowestAvailable && index <= this.#state.tip.index
  }

  async #getNumber(key: Uint8Array, what: string): Promise<number | undefined> {
    const bytes = await this.#database.get(key)
    return bytes && storedNumber(bytes, what)
  }

  #move(state: ChainState): void {
    this.#state = state
    this.#watermarks = watermarksOf(state)
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw closedError()
  }
}

function watermarksOf({ tip, lowestAvailable, highestCertifiable }: ChainState): Watermarks {
  return { highestSynced: tip, lowestAvailable, highestCertifiable }
}

function storedNumber(bytes: Uint8Array, what: string): number {
  const value = bytes.byteLength === 8 ? readNumber(bytes, 0) : Number.NaN
  if (!isNumber(value)) throw corrupted(`${what} does not decode`)
  return value
}

function isNumber(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function checkName(name: string): string {
  if (name === '' || Buffer.byteLength(name) > MAX_NAME_BYTES) {
    throw invalid(`a name of ${Buffer.byteLength(name)} bytes, not 1 to ${MAX_NAME_BYTES}`)
  }
  return name
}

function invalid(why: string): StorageError {
  return new StorageError('STORAGE_INVALID_ARGUMENT', why)
}
