import { open, readdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { errorCode } from '../runtime/soma-error.ts'
import type { CommitStore } from './commit-store.ts'
import type { DatabaseInit } from './database.ts'
import { corrupted, openError } from './level-error.ts'
import { openStore, type StoreInit } from './open-store.ts'

/**
 * Bytes of recent writes that LevelDB holds in memory before it sorts them into a file, twice over at most. Larger means fewer and
 * larger merges: 4 MiB, its default, cost 40 % more CPU for each block of a catch-up, and 64 MiB 10 % less for twice the memory.
 */
const WRITE_BUFFER_BYTES = 32 * 1024 * 1024

/** What the disk must take, besides a write, before a failed database is opened anew: opening writes its log out as a file. */
const PROBE_BYTES = WRITE_BUFFER_BYTES

/** Values as arrays of bytes and nothing more: the database gives Buffers, whose `slice` does not copy. */
const plainView = {
  name: 'plain-view',
  format: 'view' as const,
  encode: (value: Uint8Array) => value,
  decode: (value: Uint8Array) => new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
}

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
  const where = resolve(path)
  await refuseDamaged(where)
  const level = new ClassicLevel<Uint8Array, Uint8Array>(where, {
    keyEncoding: 'view',
    valueEncoding: plainView,
    compression: false, // blocks are mostly digests, signatures and what users compressed
    writeBufferSize: WRITE_BUFFER_BYTES
  })
  return openStore(wrap({ level, where, probe: (bytes) => probe(where, bytes + PROBE_BYTES) }), init)
}

/** Without the file that names its manifest, LevelDB would take the directory for a new one and delete the data in it. */
async function refuseDamaged(path: string): Promise<void> {
  let names: string[]
  try {
    names = await readdir(path)
  } catch (thrown) {
    if (errorCode(thrown) === 'ENOENT') return
    throw openError(thrown, path)
  }
  if (!names.includes('CURRENT') && names.some((name) => /\.(ldb|log)$/.test(name))) {
    throw corrupted(`${path} holds data but no file CURRENT`)
  }
}

/** Writes so many bytes beside the data and takes them away again. */
async function probe(path: string, bytes: number): Promise<void> {
  const name = join(path, 'probe')
  const chunk = new Uint8Array(1024 * 1024)
  try {
    await using file = await open(name, 'w')
    for (let written = 0; written < bytes; written += chunk.byteLength) await file.writeFile(chunk)
    await file.sync()
  } finally {
    await rm(name, { force: true })
  }
}
