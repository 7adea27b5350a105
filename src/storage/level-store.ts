import type { CommitStore } from './commit-store.ts'
import type { DatabaseInit } from './database.ts'
import { levelDirectory } from './level-directory.ts'
import { openStore, type StoreInit } from './open-store.ts'

/** LevelDB's own 4 MiB cost 40 % more CPU for each block of a catch-up, and 64 MiB 10 % less for twice the memory. */
const WRITE_BUFFER_BYTES = 32 * 1024 * 1024

/**
 * Opens the chain in a directory, which is made when it is not there. Every write is flushed to the disk before it is done.
 *
 * @param path a directory of its own for this store
 * @throws {StorageError} `STORAGE_LOCKED`, `STORAGE_WRONG_CHAIN`, `STORAGE_WRONG_VERSION`, `STORAGE_CORRUPTED`, `STORAGE_OPEN_FAILED`,
 * `STORAGE_READ_FAILED`, `STORAGE_WRITE_FAILED`
 */
export function openLevelStore(path: string, init: StoreInit): Promise<CommitStore> {
  return openWrappedStore(path, init, (database) => database)
}

/** The same, with something between the store and its database. */
export async function openWrappedStore(
  path: string,
  init: StoreInit,
  wrap: (database: DatabaseInit) => DatabaseInit
): Promise<CommitStore> {
  return openStore(wrap(await levelDirectory(path, { writeBufferBytes: WRITE_BUFFER_BYTES })), init)
}
