import { DatabaseSync } from 'node:sqlite'
import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  type BlockRef,
  blockRefKey,
  blockRefsEqual,
  type CertifierWrite,
  type CommitRef,
  type CommitStore,
  type CommittedSubDag,
  type Committee,
  commitRefsEqual,
  type Digest,
  decodeCommit,
  decodeCommittee,
  decodeSignedBlock,
  formatBlockRef,
  type Genesis,
  genesisCommitRef,
  StorageError,
  type StorageErrorCode,
  type StoreWrite,
  type TrustedCheckpoint,
  type TrustedCommit,
  trustBlock,
  trustCommit,
  type VerifiedBlock,
  type Watermarks
} from 'soma-p2p'
import { FORMAT_VERSION, SCHEMA, type Statements, statementsOf } from './sqlite-schema.ts'

const MAX_NAME_BYTES = 255
const MAX_RECORD_BYTES = 1024 * 1024
/** Commits that one transaction prunes: other writes come between, and the event loop is not kept for long. */
const PRUNED_AT_ONCE = 100

/** SQLite's result codes for a database that somebody else has locked, one that is damaged, and a file that is none. */
const [BUSY, CORRUPT, NOT_A_DATABASE] = [5, 11, 26]

/**
 * A `CommitStore` in one SQLite file, with nothing but what Node brings.
 *
 * Every method does its work within one turn of the event loop, a write in one transaction: so nobody ever sees half of one. The price is that the
 * loop waits for the disk; what is busy with more than this chain gives the store a thread of its own.
 */
export class SqliteStore implements CommitStore {
  readonly #database: DatabaseSync
  readonly #sql: Statements
  readonly #genesis: Genesis
  #watermarks: Watermarks
  /** The epoch that the chain has come to. */
  #epoch = 0
  /** The end of the writes so far. */
  #writes: Promise<unknown> = Promise.resolve()
  #closing: Promise<void> | undefined

  /**
   * Opens the file, and makes it where it is not there.
   *
   * @throws {StorageError} `STORAGE_LOCKED`, `STORAGE_WRONG_CHAIN`, `STORAGE_WRONG_VERSION`, `STORAGE_CORRUPTED`, `STORAGE_OPEN_FAILED`
   */
  constructor(path: string, { genesis }: { readonly genesis: Genesis }) {
    this.#genesis = genesis
    const database = attempt('STORAGE_OPEN_FAILED', () => new DatabaseSync(path))
    this.#database = database
    try {
      attempt('STORAGE_OPEN_FAILED', () => this.#create(path))
      this.#sql = statementsOf(database)
      this.#watermarks = this.#read(() => this.#readWatermarks())
    } catch (thrown) {
      database.close()
      throw thrown
    }
  }

  get watermarks(): Watermarks {
    return this.#watermarks
  }

  write(write: StoreWrite): Promise<void> {
    const { commits, certifiers = [], committees = [] } = write
    return this.#transaction(() => {
      const { lowestAvailable } = this.#watermarks
      let tip = this.#watermarks.highestSynced
      let epoch = this.#epoch
      for (const subDag of commits) {
        const next = subDag.commit.commit.epoch
        if (next === epoch + 1) this.#sql.endEpoch.run(epoch, tip.index)
        this.#insertCommit(subDag, tip)
        tip = subDag.commit.ref
        epoch = next
      }
      for (const certifier of certifiers) this.#insertCertifiers(certifier, { lowest: lowestAvailable, tip: tip.index })
      for (const committee of committees) this.#insertCommittee(committee)
      const ends = commits.length > 0 && committees.some((committee) => committee.epoch === epoch + 1)
      if (ends) this.#sql.endEpoch.run(epoch, tip.index)
    })
  }

  beginAt({ commit, committee }: TrustedCheckpoint): Promise<void> {
    return this.#transaction(() => {
      const { index, digest } = commit
      if (!Number.isSafeInteger(index + 1) || index < 1) throw invalid(`no chain begins at commit ${index}`)
      this.#insertCommittee(committee)
      const begun = this.#beginning()
      const tip = this.#watermarks.highestSynced
      const isThere = begun?.epoch === committee.epoch && commitRefsEqual(begun.commit, commit)
      if (isThere && commitRefsEqual(tip, commit)) return
      if (tip.index > 0) throw invalid(`a store that has come to commit ${tip.index} cannot begin at ${index}`)
      this.#sql.begin.run(index, digest, committee.epoch)
    })
  }

  async getBeginning(): Promise<TrustedCheckpoint | undefined> {
    const begun = this.#read(() => this.#beginning())
    if (begun === undefined) return undefined
    const committee = await this.getCommittee(begun.epoch)
    if (committee === undefined) throw corrupted(`no committee of epoch ${begun.epoch}, which the chain begins in`)
    return { commit: begun.commit, committee }
  }

  async getCommit(index: number): Promise<TrustedCommit | undefined> {
    return this.#read(() => this.#commit(index))
  }

  async getCommitIndex(digest: Digest): Promise<number | undefined> {
    return this.#read(() => this.#sql.commitIndex(digest))
  }

  async *readCommits(
    start: number,
    end: number,
    options: { signal?: AbortSignal } = {}
  ): AsyncGenerator<TrustedCommit> {
    for (let index = start; index <= end; index++) {
      const commit = this.#read(() => this.#commit(index))
      if (commit === undefined) return
      yield commit
      options.signal?.throwIfAborted()
    }
  }

  async getBlocks(refs: readonly BlockRef[]): Promise<(Uint8Array | undefined)[]> {
    return this.#read(() => refs.map((ref) => this.#sql.block(blockRefKey(ref))))
  }

  async getSubDag(index: number): Promise<CommittedSubDag | undefined> {
    return this.#read(() => {
      const commit = this.#commit(index)
      return commit && { commit, blocks: commit.commit.blocks.map((ref) => this.#block(ref)) }
    })
  }

  async getCertifiers(index: number): Promise<Uint8Array[]> {
    return this.#read(() => this.#sql.certifiers(index))
  }

  async highestCertifiableIn(start: number, end: number): Promise<number | undefined> {
    return this.#read(() => this.#sql.highestCertifiable(start, end))
  }

  async getCommittee(epoch: number): Promise<Committee | undefined> {
    return this.#read(() => {
      const bytes = epoch === 0 ? this.#genesis.committee.bytes : this.#sql.committee(epoch)
      return bytes && readable(`the committee of epoch ${epoch}`, () => decodeCommittee(bytes))
    })
  }

  async getLastCommitOfEpoch(epoch: number): Promise<number | undefined> {
    return this.#read(() => this.#sql.lastOfEpoch(epoch))
  }

  async prune(index: number): Promise<number> {
    if (!Number.isSafeInteger(index)) throw invalid(`prune below ${index}`)
    for (;;) {
      await this.#transaction(() => {
        const { lowestAvailable, highestSynced } = this.#watermarks
        const below = Math.min(index, highestSynced.index, lowestAvailable + PRUNED_AT_ONCE)
        if (below <= lowestAvailable) return
        this.#sql.deleteBlocks.run(below, below)
        this.#sql.deleteUses.run(below)
        this.#sql.deleteCommits.run(below)
      })
      const { lowestAvailable, highestSynced } = this.#watermarks
      if (lowestAvailable >= Math.min(index, highestSynced.index)) return lowestAvailable
      await nextTurn()
    }
  }

  async getCursor(name: string): Promise<number | undefined> {
    return this.#read(() => this.#sql.cursor(checkName(name)))
  }

  async setCursor(name: string, position: number): Promise<void> {
    if (!Number.isSafeInteger(position) || position < 0) throw invalid(`position ${position} of cursor ${name}`)
    await this.#transaction(() => this.#sql.setCursor.run(checkName(name), position))
  }

  async deleteCursor(name: string): Promise<void> {
    await this.#transaction(() => this.#sql.deleteCursor.run(checkName(name)))
  }

  async listCursors(): Promise<ReadonlyMap<string, number>> {
    return this.#read(() => this.#sql.cursors())
  }

  async getRecord(name: string): Promise<Uint8Array | undefined> {
    return this.#read(() => this.#sql.record(checkName(name)))
  }

  async setRecord(name: string, value: Uint8Array): Promise<void> {
    if (value.byteLength > MAX_RECORD_BYTES) throw invalid(`record ${name} of ${value.byteLength} bytes`)
    const own = Uint8Array.from(value) // it may be written later, and belongs to the caller
    await this.#transaction(() => this.#sql.setRecord.run(checkName(name), own))
  }

  close(): Promise<void> {
    this.#closing ??= this.#writes.then(() => this.#database.close())
    return this.#closing
  }

  /** Makes the tables in an empty file, and refuses one of another chain or version. Whoever has the file open has it alone. */
  #create(path: string): void {
    const database = this.#database
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    database.exec('BEGIN EXCLUSIVE; COMMIT') // the lock is taken with the first use
    const version = database.prepare('PRAGMA user_version').get()?.user_version
    if (version === 0) {
      database.exec(`BEGIN; ${SCHEMA}; PRAGMA user_version = ${FORMAT_VERSION}`)
      database.prepare('INSERT INTO chain VALUES (?)').run(this.#genesis.chainId)
      database.exec('COMMIT')
    } else if (version !== FORMAT_VERSION) {
      throw new StorageError('STORAGE_WRONG_VERSION', `${path} is of format ${version}, and this is ${FORMAT_VERSION}`)
    }
    const chain = database.prepare('SELECT id FROM chain').get()?.id
    if (chain instanceof Uint8Array && Buffer.compare(chain, this.#genesis.chainId) === 0) return
    throw new StorageError('STORAGE_WRONG_CHAIN', `${path} belongs to another chain`)
  }

  #insertCommit({ commit, blocks }: CommittedSubDag, tip: CommitRef): void {
    const { ref, bytes } = commit
    if (!commitRefsEqual({ index: ref.index - 1, digest: commit.commit.previousDigest }, tip)) {
      throw new StorageError('STORAGE_NOT_CONSECUTIVE', `commit ${ref.index} does not follow commit ${tip.index}`)
    }
    const refs = commit.commit.blocks
    const isWhole = refs.length === blocks.length && blocks.every((block, at) => isSame(block.ref, refs[at]))
    if (!isWhole) throw invalid(`the blocks that come with commit ${ref.index} are not its own`)
    this.#sql.insertCommit.run(ref.index, ref.digest, commit.commit.epoch, bytes)
    for (const [position, block] of blocks.entries()) {
      this.#sql.insertBlock.run(blockRefKey(block.ref), block.bytes)
      this.#sql.useBlock.run(ref.index, 'committed', position, blockRefKey(block.ref))
    }
  }

  #insertCertifiers({ index, blocks }: CertifierWrite, { lowest, tip }: { lowest: number; tip: number }): void {
    if (!Number.isSafeInteger(index) || index < 1 || index > tip) throw invalid(`certifiers of commit ${index}`)
    if (blocks.length === 0) throw invalid(`commit ${index} comes with an empty list of certifiers`)
    if (index < lowest || this.#sql.highestCertifiable(index, index) !== undefined) return
    for (const [position, { ref, bytes }] of blocks.entries()) {
      if (bytes !== undefined) this.#sql.insertBlock.run(blockRefKey(ref), bytes)
      const { changes } = this.#sql.useBlock.run(index, 'certifier', position, blockRefKey(ref))
      if (changes === 0) throw invalid(`certifier ${formatBlockRef(ref)} has no bytes, and no commit holds it`)
    }
  }

  #insertCommittee({ epoch, bytes }: Committee): void {
    const known = epoch === 0 ? this.#genesis.committee.bytes : this.#sql.committee(epoch)
    if (known === undefined) this.#sql.insertCommittee.run(epoch, bytes)
    else if (Buffer.compare(known, bytes) !== 0)
      throw invalid(`another committee of epoch ${epoch} than the one stored`)
  }

  #beginning(): { readonly commit: CommitRef; readonly epoch: number } | undefined {
    const row = this.#sql.beginning()
    return row && { commit: { index: row.commit_index, digest: row.digest }, epoch: row.epoch }
  }

  #commit(index: number): TrustedCommit | undefined {
    const row = this.#sql.commit(index)
    if (row === undefined) return undefined
    const commit = readable(`commit ${index}`, () => decodeCommit(row.bytes))
    if (commitRefsEqual(commit.ref, { index, digest: row.digest })) return trustCommit(commit)
    throw corrupted(`commit ${index} is not what was written`)
  }

  /** SQLite has no checksums: the digest by which a commit names its block is a better one. */
  #block(ref: BlockRef): VerifiedBlock {
    const bytes = this.#sql.block(blockRefKey(ref))
    if (bytes === undefined) throw corrupted(`block ${formatBlockRef(ref)} is missing`)
    const block = readable(`block ${formatBlockRef(ref)}`, () => decodeSignedBlock(bytes))
    if (blockRefsEqual(block.ref, ref)) return trustBlock(block)
    throw corrupted(`block ${formatBlockRef(ref)} is not what was written`)
  }

  /** Where the chain stands, by the tables alone. */
  #readWatermarks(): Watermarks {
    const begun = this.#beginning()
    const highest = this.#sql.highestCommit()
    this.#epoch = highest?.epoch ?? begun?.epoch ?? 0
    return {
      highestSynced: highest
        ? { index: highest.commit_index, digest: highest.digest }
        : (begun?.commit ?? genesisCommitRef(this.#genesis)),
      lowestAvailable: this.#sql.lowestCommit() ?? (begun?.commit.index ?? 0) + 1,
      highestCertifiable: this.#sql.highestCertifiable(1, Number.MAX_SAFE_INTEGER) ?? 0
    }
  }

  #read<T>(read: () => T): T {
    this.#assertOpen()
    return attempt('STORAGE_READ_FAILED', read)
  }

  /** Runs a task in a transaction of its own, after those before it: all of it is durable, and then the watermarks move, or nothing of it is stored. */
  async #transaction(task: () => void): Promise<void> {
    this.#assertOpen()
    const written = this.#writes.then(() =>
      attempt('STORAGE_WRITE_FAILED', () => {
        this.#database.exec('BEGIN')
        try {
          task()
          this.#database.exec('COMMIT')
        } catch (thrown) {
          if (this.#database.isTransaction) this.#database.exec('ROLLBACK') // a full disk has done it already
          throw thrown
        }
        this.#watermarks = this.#readWatermarks()
      })
    )
    this.#writes = written.catch(() => undefined) // whoever asked for the write is told
    await written
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new StorageError('STORAGE_CLOSED', 'the store is closed')
  }
}

/** What SQLite throws becomes an error with a code of the contract. */
function attempt<T>(code: StorageErrorCode, task: () => T): T {
  try {
    return task()
  } catch (cause) {
    if (!(cause instanceof Error && 'errcode' in cause && typeof cause.errcode === 'number')) throw cause
    const primary = cause.errcode & 0xff
    if (primary === BUSY) throw new StorageError('STORAGE_LOCKED', 'another process has the database open', { cause })
    if (primary === CORRUPT || primary === NOT_A_DATABASE) throw corrupted(cause.message, { cause })
    throw new StorageError(code, cause.message, { cause })
  }
}

function readable<T>(what: string, decode: () => T): T {
  try {
    return decode()
  } catch (cause) {
    throw corrupted(`${what} does not decode`, { cause })
  }
}

function isSame(a: BlockRef, b: BlockRef | undefined): boolean {
  return b !== undefined && blockRefsEqual(a, b)
}

function checkName(name: string): string {
  const length = Buffer.byteLength(name)
  if (length === 0 || length > MAX_NAME_BYTES) throw invalid(`a name of ${length} bytes, not 1 to ${MAX_NAME_BYTES}`)
  return name
}

function invalid(why: string): StorageError {
  return new StorageError('STORAGE_INVALID_ARGUMENT', why)
}

function corrupted(what: string, options?: ErrorOptions): StorageError {
  return new StorageError('STORAGE_CORRUPTED', what, options)
}
