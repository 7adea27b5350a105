import { type ByteLevel, Database, type Operation } from '../../src/storage/database.ts'
import { levelDirectory } from '../../src/storage/level-directory.ts'
import { StorageError, type StorageErrorCode } from '../../src/storage/storage-error.ts'
import { LedgerError, type LedgerErrorCode } from './ledger-error.ts'

/** Bytes of recent writes that LevelDB holds in memory before it sorts them into a file: fewer and larger merges than with its 4 MiB. */
const WRITE_BUFFER_BYTES = 16 * 1024 * 1024

/** The database of a ledger, which recovers from failed writes as that of a commit store does, with failures as {@link LedgerError}. */
export class LedgerDatabase {
  readonly #database: Database

  private constructor(database: Database) {
    this.#database = database
  }

  /**
   * @param directory where it lies, and what it is called in errors
   * @param level a database in place of the one in the directory
   * @throws {LedgerError} `LEDGER_LOCKED`, `LEDGER_OPEN_FAILED`, `LEDGER_CORRUPTED`
   */
  static open(directory: string, level: ByteLevel | undefined): Promise<LedgerDatabase> {
    return guard(async () => {
      const init =
        level === undefined ? await levelDirectory(directory, { writeBufferBytes: WRITE_BUFFER_BYTES }) : { level }
      return new LedgerDatabase(await Database.open({ ...init, where: `the ledger in ${directory}` }))
    })
  }

  /** See `Database.peek`. */
  peek(key: Uint8Array): Promise<Uint8Array | undefined> {
    return guard(() => this.#database.peek(key))
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return guard(() => this.#database.get(key))
  }

  getMany(keys: Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return guard(() => this.#database.getMany(keys))
  }

  hasMany(keys: Uint8Array[]): Promise<boolean[]> {
    return guard(() => this.#database.hasMany(keys))
  }

  /** One atomic, durable write. @throws {LedgerError} `LEDGER_WRITE_FAILED` */
  write(operations: Operation[]): Promise<void> {
    return guard(() => this.#database.write(operations))
  }

  /**
   * To be called before what is read decides on a write: opens the database anew if a write failed before.
   *
   * @returns whether it did: then the write that failed may be there after all
   * @throws {LedgerError} `LEDGER_WRITE_FAILED` when it cannot be written to yet
   */
  recover(): Promise<boolean> {
    return guard(() => this.#database.recover(() => 0))
  }

  close(): Promise<void> {
    return this.#database.close()
  }
}

const CODES: Partial<Record<StorageErrorCode, LedgerErrorCode>> = {
  STORAGE_LOCKED: 'LEDGER_LOCKED',
  STORAGE_OPEN_FAILED: 'LEDGER_OPEN_FAILED',
  STORAGE_CORRUPTED: 'LEDGER_CORRUPTED',
  STORAGE_READ_FAILED: 'LEDGER_READ_FAILED',
  STORAGE_WRITE_FAILED: 'LEDGER_WRITE_FAILED',
  STORAGE_CLOSED: 'LEDGER_CLOSED'
}

async function guard<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation()
  } catch (cause) {
    const code = cause instanceof StorageError ? CODES[cause.code] : undefined
    if (code === undefined) throw cause
    const what = code === 'LEDGER_CLOSED' ? 'the ledger is closed' : (cause as StorageError).message
    throw new LedgerError(code, what, { cause })
  }
}
