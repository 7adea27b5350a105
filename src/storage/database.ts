import type { KeyRange } from './keys.ts'
import { corrupted, isNotOpen, openError, readError, writeError } from './level-error.ts'
import { StorageError } from './storage-error.ts'
import { openValue, sealedBytes, sealValue } from './value-checksum.ts'

/** One put or deletion of a batch. */
export type Operation =
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: Uint8Array }

type Entry = [key: Uint8Array, value: Uint8Array]

interface IteratorOptions extends KeyRange {
  readonly limit?: number
  readonly reverse?: boolean
  /** Bytes after which `nextv` returns what it has. Databases in memory take no notice. */
  readonly highWaterMarkBytes?: number
}

/** What is used of a database of the abstract-level family, with bytes as keys and values. */
export interface ByteLevel {
  open(): Promise<void>
  close(): Promise<void>
  get(key: Uint8Array): Promise<Uint8Array | undefined>
  getMany(keys: Uint8Array[]): Promise<(Uint8Array | undefined)[]>
  hasMany(keys: Uint8Array[]): Promise<boolean[]>
  /** `sync`: flushed to the disk before it is done. Databases in memory take no notice. */
  batch(operations: Operation[], options: { sync: boolean }): Promise<void>
  iterator(options: IteratorOptions): {
    nextv(size: number): Promise<Entry[]>
    all(): Promise<Entry[]>
    close(): Promise<void>
  }
  keys(options: IteratorOptions): { all(): Promise<Uint8Array[]> }
}

/** Which part of the database to read. */
export interface PageOptions extends KeyRange {
  /** Most entries. */
  readonly limit: number
  /** From the end. @default false */
  readonly reverse?: boolean
}

/** What a `Database` is made from. */
export interface DatabaseInit {
  /** The database, closed. Whatever it returns belongs to the reader, and whatever it is given is copied. */
  readonly level: ByteLevel
  /** What it is called in errors: its path. */
  readonly where: string
  /**
   * Says whether so many bytes can be written now, by writing them.
   *
   * @default always
   */
  readonly probe?: (bytes: number) => Promise<void>
  /**
   * Looks at the database that has just opened, beneath what it says of itself.
   *
   * @throws {StorageError} `STORAGE_CORRUPTED` where it is damaged: then it is closed again
   */
  readonly inspect?: () => Promise<void>
}

/** Bytes after which a page ends, so that one page of large commits is not a hundred megabytes. */
const PAGE_BYTES = 256 * 1024

/**
 * A database of the abstract-level family that survives its own write errors and knows damaged values, with failures as {@link StorageError}. Each value
 * has a checksum behind it, which no reader sees.
 *
 * After a failed write LevelDB is not to be written to again: a half-written record stays in its log, later writes go behind it
 * and are acknowledged, and the next opening drops them all. (After a failed flush it refuses every write by itself, for good.) So the
 * database is closed and opened anew before the next write. Until that succeeds, reads go on from the old one: it is closed
 * only once a probe says that the disk takes bytes again.
 */
export class Database {
  readonly #level: ByteLevel
  readonly #where: string
  readonly #probe: (bytes: number) => Promise<void>
  #failed = false
  #closed = false
  #reopening: Promise<void> | undefined
  #generation = 0

  private constructor(init: DatabaseInit) {
    this.#level = init.level
    this.#where = init.where
    this.#probe = init.probe ?? (async () => undefined)
  }

  /** @throws {StorageError} `STORAGE_LOCKED`, `STORAGE_CORRUPTED`, `STORAGE_OPEN_FAILED` */
  static async open(init: DatabaseInit): Promise<Database> {
    try {
      await init.level.open()
    } catch (thrown) {
      throw openError(thrown, init.where)
    }
    try {
      await init.inspect?.()
    } catch (thrown) {
      await init.level.close()
      throw openError(thrown, init.where)
    }
    return new Database(init)
  }

  /** What it is called in errors. */
  get where(): string {
    return this.#where
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#open(key, await this.#read((level) => level.get(key)))
  }

  async getMany(keys: Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    const values = await this.#read((level) => level.getMany(keys))
    return keys.map((key, i) => this.#open(key, values[i]))
  }

  /** A value with whatever is behind it: for one that may have been written in another format. */
  peek(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#read((level) => level.get(key))
  }

  hasMany(keys: Uint8Array[]): Promise<boolean[]> {
    return this.#read((level) => level.hasMany(keys))
  }

  /** At most `limit` entries of a range in order of their keys, and fewer where they are large, but at least one if there is one. */
  async page({ gte, lt, limit, reverse = false }: PageOptions): Promise<Entry[]> {
    const options = { gte, lt, limit, reverse, highWaterMarkBytes: PAGE_BYTES }
    const entries = await this.#read(async (level) => {
      const iterator = level.iterator(options)
      try {
        return await iterator.nextv(limit)
      } finally {
        await iterator.close()
      }
    })
    return this.#openAll(entries)
  }

  /** All entries of a range that is known to be small. */
  async entries(range: KeyRange): Promise<Entry[]> {
    return this.#openAll(await this.#read((level) => level.iterator({ ...range }).all()))
  }

  /** The first `limit` keys of a range, or the last. */
  keys({ gte, lt, limit, reverse = false }: PageOptions): Promise<Uint8Array[]> {
    return this.#read((level) => level.keys({ gte, lt, limit, reverse }).all())
  }

  /** One atomic, durable write. Not to be called twice at once: see {@link recover}. */
  async write(operations: Operation[]): Promise<void> {
    try {
      await this.#level.batch(sealAll(operations), { sync: true })
    } catch (thrown) {
      if (this.#closed) throw closedError()
      this.#failed = true
      throw writeError(thrown)
    }
  }

  /**
   * To be called before each write, with its size: opens the database anew if a write failed before.
   *
   * @returns whether it did, and then what is stored must be looked at again: a write that failed while it was being flushed may be there
   * @throws {StorageError} `STORAGE_WRITE_FAILED` when it cannot be written to yet
   */
  async recover(bytes: () => number): Promise<boolean> {
    if (!this.#failed) return false
    try {
      await this.#probe(bytes())
      const reopened = this.#reopen()
      this.#reopening = reopened.catch(() => undefined) // readers wait for its end, and then see for themselves
      await reopened
      this.#failed = false
      return true
    } catch (thrown) {
      throw writeError(thrown)
    }
  }

  /** Waits for the operations under way. Whatever comes later fails with `STORAGE_CLOSED`. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#level.close()
  }

  async #reopen(): Promise<void> {
    try {
      await this.#level.close()
      await this.#level.open()
    } finally {
      this.#generation++
      this.#reopening = undefined
    }
  }

  #openAll(entries: Entry[]): Entry[] {
    return entries.map(([key, value]) => [key, this.#open(key, value)])
  }

  #open<V extends Uint8Array | undefined>(key: Uint8Array, stored: V): V | Uint8Array {
    if (stored === undefined) return stored
    const value = openValue(key, stored)
    if (value === undefined) throw corrupted(`${this.#where} holds a value that is not what was written`)
    return value
  }

  async #read<T>(operation: (level: ByteLevel) => Promise<T>): Promise<T> {
    for (;;) {
      await this.#reopening
      if (this.#closed) throw closedError()
      const generation = this.#generation
      try {
        return await operation(this.#level)
      } catch (thrown) {
        if (this.#closed) throw closedError()
        const underway = this.#reopening !== undefined || this.#generation !== generation
        if (!(underway && isNotOpen(thrown))) throw readError(thrown)
      }
    }
  }
}

/** All values of a batch share one buffer: to V8 each of its own is a reason to collect. */
function sealAll(operations: readonly Operation[]): Operation[] {
  let bytes = 0
  for (const operation of operations) if (operation.type === 'put') bytes += sealedBytes(operation.value)
  const buffer = Buffer.allocUnsafe(bytes)
  let offset = 0
  return operations.map((operation) => {
    if (operation.type === 'del') return operation
    const { type, key, value } = operation
    const place = buffer.subarray(offset, offset + sealedBytes(value))
    offset += place.byteLength
    return { type, key, value: sealValue(key, value, place) }
  })
}

/** The store was used after it was closed. */
export function closedError(): StorageError {
  return new StorageError('STORAGE_CLOSED', 'the store is closed')
}
