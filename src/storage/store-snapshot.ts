import type { BlockRef } from '../consensus/block-ref.ts'
import type { CommitStore } from './commit-store.ts'
import type { ByteLevel } from './database.ts'
import { describeKey, spaceOf } from './describe-key.ts'
import { blockRange, cursorName, decodeRefs, FORMAT_VERSION, type KeyRange, recordRange } from './keys.ts'
import { levelDirectory } from './level-directory.ts'
import { readError } from './level-error.ts'
import { openStore, type StoreInit } from './open-store.ts'
import { changing, copyStore, type StoreCopy } from './store-copy.ts'
import { openValue } from './value-checksum.ts'

/** What is written while it is looked at is a manifest and, at most, merges of small tables. */
const WRITE_BUFFER_BYTES = 4 * 1024 * 1024
/** Entries read at once. */
const PAGE_ENTRIES = 1_000
const PAGE_BYTES = 1024 * 1024
const DAMAGE_LISTED = 16

/** Which blocks are looked for. */
export interface BlockSearch {
  readonly epoch?: number
  /** Counts with an epoch only. */
  readonly round?: number
  readonly author?: number
  /** The first bytes of the digest, in hexadecimal. */
  readonly digest?: string
}

/** All entries of a store, looked at one by one. */
export interface ValueCheck {
  readonly entries: number
  readonly bytes: number
  /** Entries and bytes by kind. */
  readonly bySpace: Readonly<Record<string, { readonly entries: number; readonly bytes: number }>>
  /** What is not what was written: the first sixteen. */
  readonly damaged: readonly string[]
  readonly damagedEntries: number
}

/** A store as it was when it was opened, to be looked at and never changed. */
export interface StoreSnapshot {
  readonly store: CommitStore
  readonly formatVersion: number
  /** Of the directory. */
  readonly files: number
  readonly bytes: number
  /** Bytes of each record by name. */
  records(): Promise<ReadonlyMap<string, number>>
  /** References of stored blocks, in the order of epoch, round and author. By a digest alone, every block is looked at. */
  findBlocks(search: BlockSearch, options?: { signal?: AbortSignal | undefined }): AsyncGenerator<BlockRef>
  /**
   * Compares every value with its checksum.
   *
   * @throws the signal's reason when it aborts
   */
  checkValues(options?: {
    signal?: AbortSignal | undefined
    onProgress?: (entries: number, bytes: number) => void
  }): Promise<ValueCheck>
  /** @throws {StorageError} `STORAGE_LOCKED` when a process has written to the directory since it was opened: nothing that was found then counts */
  refuseStale(): Promise<void>
  close(): Promise<void>
}

/**
 * Opens the store in a directory for looking at it. Not one byte of the directory changes, whatever is done with the snapshot; what LevelDB has to write goes
 * into a temporary directory.
 *
 * @throws {StorageError} what `openLevelStore` throws; `STORAGE_OPEN_FAILED` where no store is, `STORAGE_LOCKED` where a process writes to it
 */
export async function openStoreSnapshot(path: string, init: StoreInit): Promise<StoreSnapshot> {
  const copy = await copyStore(path)
  try {
    const database = await levelDirectory(copy.path, { writeBufferBytes: WRITE_BUFFER_BYTES })
    const store = await openStore({ ...database, where: path }, init)
    return new OpenSnapshot(path, copy, database.level, store)
  } catch (thrown) {
    const isStale = await copy.isStale()
    await copy.remove()
    throw isStale ? changing(path) : thrown
  }
}

class OpenSnapshot implements StoreSnapshot {
  readonly store: CommitStore
  readonly formatVersion: number = FORMAT_VERSION
  readonly #path: string
  readonly #copy: StoreCopy
  readonly #level: ByteLevel

  constructor(path: string, copy: StoreCopy, level: ByteLevel, store: CommitStore) {
    this.#path = path
    this.#copy = copy
    this.#level = level
    this.store = store
  }

  get files(): number {
    return this.#copy.files
  }

  get bytes(): number {
    return this.#copy.bytes
  }

  async records(): Promise<ReadonlyMap<string, number>> {
    const names = new Map<string, number>()
    for await (const [key, value] of this.#entries(recordRange)) names.set(cursorName(key), value.byteLength)
    return names
  }

  async *findBlocks(
    { epoch, round, author, digest = '' }: BlockSearch,
    { signal }: { signal?: AbortSignal | undefined } = {}
  ): AsyncGenerator<BlockRef> {
    const { gte, lt } = blockRange(epoch, round)
    const limit = PAGE_ENTRIES
    for (let from = gte; ; ) {
      const page = await this.#keys({ gte: from, lt, limit })
      for (const key of page) {
        signal?.throwIfAborted()
        const [ref] = decodeRefs(new Uint8Array(key.subarray(1))) ?? []
        if (ref === undefined || (author !== undefined && ref.author !== author)) continue
        if (Buffer.from(ref.digest).toString('hex').startsWith(digest)) yield ref
      }
      const last = page.at(-1)
      if (last === undefined || page.length < limit) return
      from = Buffer.concat([last, Uint8Array.of(0)])
    }
  }

  async checkValues({
    signal,
    onProgress
  }: {
    signal?: AbortSignal | undefined
    onProgress?: (entries: number, bytes: number) => void
  } = {}): Promise<ValueCheck> {
    const bySpace: Record<string, { entries: number; bytes: number }> = {}
    const damaged: string[] = []
    let [entries, bytes, damagedEntries] = [0, 0, 0]
    for await (const [key, value] of this.#entries({ gte: new Uint8Array(0), lt: new Uint8Array(64).fill(0xff) })) {
      signal?.throwIfAborted()
      const space = spaceOf(key)
      if (space === undefined || openValue(key, value) === undefined) {
        damagedEntries += 1
        if (damaged.length < DAMAGE_LISTED) damaged.push(describeKey(key))
      }
      const size = key.byteLength + value.byteLength
      const counts = bySpace[space ?? 'unknown'] ?? { entries: 0, bytes: 0 }
      bySpace[space ?? 'unknown'] = { entries: counts.entries + 1, bytes: counts.bytes + size }
      entries += 1
      bytes += size
      if (entries % PAGE_ENTRIES === 0) onProgress?.(entries, bytes)
    }
    return { entries, bytes, bySpace, damaged, damagedEntries }
  }

  async refuseStale(): Promise<void> {
    if (await this.#copy.isStale()) throw changing(this.#path)
  }

  async close(): Promise<void> {
    await this.store.close()
    await this.#copy.remove()
  }

  async #keys(range: KeyRange & { readonly limit: number }): Promise<Uint8Array[]> {
    try {
      return await this.#level.keys(range).all()
    } catch (thrown) {
      throw readError(thrown)
    }
  }

  /** Entries as they are stored, damaged ones too. */
  async *#entries({ gte, lt }: KeyRange): AsyncGenerator<[Uint8Array, Uint8Array]> {
    const iterator = this.#level.iterator({ gte, lt, highWaterMarkBytes: PAGE_BYTES })
    try {
      for (let page = await iterator.nextv(PAGE_ENTRIES); page.length > 0; page = await iterator.nextv(PAGE_ENTRIES)) {
        yield* page
      }
    } catch (thrown) {
      throw readError(thrown)
    } finally {
      await iterator.close()
    }
  }
}
