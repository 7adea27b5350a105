import { setTimeout as delay } from 'node:timers/promises'
import type { CommitStore } from '../storage/commit-store.ts'
import type { ByteLevel, DatabaseInit, Operation } from '../storage/database.ts'
import { openWrappedStore } from '../storage/level-store.ts'
import type { StoreInit } from '../storage/open-store.ts'

/** How a disk fails. */
export interface DiskFault {
  /**
   * What becomes of writes: `full` stores nothing (`ENOSPC`), and no database opens; `broken` stores nothing (`EIO`); `unflushed` stores what it then says it
   * has not, which the next opening finds. @default they are stored
   */
  readonly writes?: 'full' | 'broken' | 'unflushed'
  /** Whether reads fail (`EIO`). @default false */
  readonly reads?: boolean
  /** Milliseconds that each read and write takes longer. @default 0 */
  readonly delayMs?: number
}

/**
 * A disk that fails when it is told to, beneath any number of databases.
 *
 * ```ts
 * const disk = new FailingDisk()
 * const store = await disk.openStore('/tmp/chain', { genesis })
 * const node = await createNode({ genesis, store })
 * disk.fail({ writes: 'full' })
 * disk.heal()
 * ```
 */
export class FailingDisk {
  #fault: DiskFault = {}

  /** Fails so from now on, in place of what it did before. */
  fail(fault: DiskFault): void {
    this.#fault = fault
  }

  /** Works from now on. */
  heal(): void {
    this.#fault = {}
  }

  /** A commit store in a directory of this disk: see `openLevelStore`. */
  openStore(path: string, init: StoreInit): Promise<CommitStore> {
    return openWrappedStore(path, init, (database) => this.wrap(database))
  }

  /** What a store's database is made from, as one that lies on this disk. */
  wrap(database: DatabaseInit): DatabaseInit {
    return {
      ...database,
      level: this.on(database.level),
      probe: async (bytes) => {
        await this.#beforeWrite()
        await database.probe?.(bytes)
      }
    }
  }

  /** A closed database of the abstract-level family, with bytes as keys and values, as one that lies on this disk. */
  on(level: ByteLevel): ByteLevel {
    const read =
      <Arguments extends unknown[], T>(operation: (...given: Arguments) => Promise<T>) =>
      async (...given: Arguments): Promise<T> => {
        await this.#beforeRead()
        return operation(...given)
      }
    return {
      open: async () => {
        if (this.#fault.writes === 'full') throw ioError('ENOSPC')
        await level.open()
      },
      close: () => level.close(),
      batch: (operations, options) => this.#write(level, operations, options),
      get: read((key) => level.get(key)),
      getMany: read((keys) => level.getMany(keys)),
      hasMany: read((keys) => level.hasMany(keys)),
      iterator: (options) => {
        let opened: ReturnType<ByteLevel['iterator']> | undefined
        const iterator = () => {
          opened ??= level.iterator(options) // not before a read gets through: one that fails leaves nothing to be closed
          return opened
        }
        return {
          nextv: read((size) => iterator().nextv(size)),
          all: read(() => iterator().all()),
          close: async () => opened?.close()
        }
      },
      keys: (options) => ({ all: read(() => level.keys(options).all()) })
    }
  }

  async #write(level: ByteLevel, operations: Operation[], options: { sync: boolean }): Promise<void> {
    await this.#beforeWrite()
    await level.batch(operations, options)
    if (this.#fault.writes === 'unflushed') throw ioError('EIO')
  }

  async #beforeWrite(): Promise<void> {
    const { writes, delayMs = 0 } = this.#fault
    if (delayMs > 0) await delay(delayMs)
    if (writes === 'full') throw ioError('ENOSPC')
    if (writes === 'broken') throw ioError('EIO')
  }

  async #beforeRead(): Promise<void> {
    const { reads = false, delayMs = 0 } = this.#fault
    if (delayMs > 0) await delay(delayMs)
    if (reads) throw ioError('EIO')
  }
}

/** As LevelDB says it: its own code for all, the system's in the message. */
function ioError(code: 'ENOSPC' | 'EIO'): Error {
  const what = code === 'ENOSPC' ? 'No space left on device' : 'Input/output error'
  return Object.assign(new Error(`IO error: ${what} (${code})`), { code: 'LEVEL_IO_ERROR' })
}
