import assert from 'node:assert/strict'
import type { ByteLevel, Operation } from '../../src/storage/database.ts'
import { createMemoryLevel } from '../../src/storage/memory-store.ts'

/** What becomes of a write. */
export type Outcome =
  | 'done'
  | 'torn' // nothing of it is there, also after opening anew: the disk was full
  | 'unflushed' // it is not seen until the database is opened anew, and then it is there: the flush failed, the data was written

/**
 * A database that fails when it is told to, and after that does what LevelDB does: it may be read, but what is
 * written to it before it is opened anew would be lost.
 */
export class FailingLevel implements ByteLevel {
  readonly #level: ByteLevel = createMemoryLevel()
  readonly #outcomes: Outcome[] = []
  readonly #opens: ('fails' | Promise<void>)[] = []
  #unflushed: Operation[] = []
  #poisoned = false
  #beforeRead: (() => Promise<void>) | undefined
  /** How often it was opened. */
  opened = 0

  /** Decides on the next writes, one after the other. */
  onWrite(...outcomes: Outcome[]): void {
    this.#outcomes.push(...outcomes)
  }

  /** Makes the next opening fail, or last until a promise resolves. */
  onOpen(what: 'fails' | Promise<void>): void {
    this.#opens.push(what)
  }

  /** Lets something happen before the next read of several values, which fails if the database is closed meanwhile, as LevelDB's iterators do. */
  beforeNextRead(task: () => Promise<void>): void {
    this.#beforeRead = task
  }

  async open(): Promise<void> {
    const what = this.#opens.shift()
    if (what === 'fails') throw Object.assign(new Error('no room for a manifest'), { code: 'LEVEL_IO_ERROR' })
    await what
    await this.#level.open()
    await this.#level.batch(this.#unflushed, { sync: true })
    this.#unflushed = []
    this.#poisoned = false
    this.opened++
  }

  async batch(operations: Operation[], options: { sync: boolean }): Promise<void> {
    assert.ok(!this.#poisoned, 'written to after a failed write: it would be acknowledged and lost')
    assert.ok(options.sync, 'a write that is not durable')
    const outcome = this.#outcomes.shift() ?? 'done'
    if (outcome === 'done') return this.#level.batch(operations, options)
    this.#poisoned = true
    if (outcome === 'unflushed') this.#unflushed = operations
    throw Object.assign(new Error('no space left on device'), { code: 'LEVEL_IO_ERROR' })
  }

  close(): Promise<void> {
    return this.#level.close()
  }

  get: ByteLevel['get'] = (key) => this.#level.get(key)
  getMany: ByteLevel['getMany'] = async (keys) => {
    const [task, opened] = [this.#beforeRead, this.opened]
    this.#beforeRead = undefined
    await task?.()
    if (this.opened !== opened) throw Object.assign(new Error('not open'), { code: 'LEVEL_DATABASE_NOT_OPEN' })
    return this.#level.getMany(keys)
  }

  hasMany: ByteLevel['hasMany'] = (keys) => this.#level.hasMany(keys)
  iterator: ByteLevel['iterator'] = (options) => this.#level.iterator(options)
  keys: ByteLevel['keys'] = (options) => this.#level.keys(options)
}
