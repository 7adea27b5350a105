import { open, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { errorCode } from '../runtime/soma-error.ts'
import type { DatabaseInit } from './database.ts'
import { corrupted, openError } from './level-error.ts'

/** How a LevelDB is opened. */
export interface LevelDirectoryOptions {
  /**
   * Bytes of recent writes that LevelDB holds in memory before it sorts them into a file, twice over at most. Larger means fewer and larger merges, and more
   * memory.
   */
  readonly writeBufferBytes: number
}

/** Values as arrays of bytes and nothing more: the database gives Buffers, whose `slice` does not copy. */
const plainView = {
  name: 'plain-view',
  format: 'view' as const,
  encode: (value: Uint8Array) => value,
  decode: (value: Uint8Array) => new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
}

/**
 * The LevelDB in a directory, to be opened. What LevelDB would pass over is looked at here: it takes a directory without its file CURRENT for a new one and
 * deletes the data in it, and finds a table cut short only when it reads from it.
 *
 * @throws {StorageError} `STORAGE_CORRUPTED`, `STORAGE_OPEN_FAILED`
 */
export async function levelDirectory(path: string, { writeBufferBytes }: LevelDirectoryOptions): Promise<DatabaseInit> {
  const where = resolve(path)
  const names = await namesIn(where)
  await refuseWithoutManifest(where, names)
  const tables = await tablesIn(where, names)
  const level = new ClassicLevel<Uint8Array, Uint8Array>(where, {
    keyEncoding: 'view',
    valueEncoding: plainView,
    compression: false, // what is stored is mostly digests, signatures and what users compressed
    writeBufferSize: writeBufferBytes
  })
  return {
    level,
    where,
    // What the disk must take, besides a write, before a failed database is opened anew: opening writes its log out as a file.
    probe: (bytes) => probe(where, bytes + writeBufferBytes),
    inspect: () => refuseTornTables(where, tables)
  }
}

async function namesIn(path: string): Promise<string[]> {
  try {
    return await readdir(path)
  } catch (thrown) {
    if (errorCode(thrown) === 'ENOENT') return []
    throw openError(thrown, path)
  }
}

async function refuseWithoutManifest(path: string, names: readonly string[]): Promise<void> {
  if (names.includes('CURRENT')) {
    const manifest = await readFile(join(path, 'CURRENT'), 'latin1').catch((thrown) => {
      throw openError(thrown, path)
    })
    if (!names.includes(manifest.trimEnd())) throw corrupted(`the file CURRENT in ${path} names no file that is there`)
  } else if (names.some((name) => isTable(name) || name.endsWith('.log'))) {
    throw corrupted(`${path} holds data but no file CURRENT`)
  }
}

/** A file as it was found: one that is written anew has another time or size. */
interface FoundFile {
  readonly name: string
  readonly size: number
  readonly modifiedMs: number
}

async function tablesIn(path: string, names: readonly string[]): Promise<FoundFile[]> {
  const found: FoundFile[] = []
  for (const name of names.filter(isTable)) {
    try {
      const { size, mtimeMs: modifiedMs } = await stat(join(path, name))
      found.push({ name, size, modifiedMs })
    } catch (thrown) {
      if (errorCode(thrown) !== 'ENOENT') throw openError(thrown, path) // another process has the database open: that is found out next
    }
  }
  return found
}

/**
 * Of the tables that were there before the database opened, each that still is as it was: opening deletes those that a stop or a crash in the middle of a merge had left
 * half-written, and the merges that it begins at once give their names to others.
 */
async function refuseTornTables(path: string, before: readonly FoundFile[]): Promise<void> {
  for (const found of before) {
    const isWhole = await endsAsTable(join(path, found.name), found).catch((thrown) => {
      if (errorCode(thrown) === 'ENOENT') return true // merged into others meanwhile
      throw thrown
    })
    if (!isWhole) throw corrupted(`the end of ${join(path, found.name)} is missing`)
  }
}

/** The last bytes of every table of LevelDB's. */
const TABLE_END = Buffer.from('57fb808b247547db', 'hex')

/** Whether the table that was found there ends as one, or is another by now. */
async function endsAsTable(path: string, found: FoundFile): Promise<boolean> {
  await using file = await open(path)
  const { size, mtimeMs } = await file.stat()
  if (size !== found.size || mtimeMs !== found.modifiedMs) return true
  const end = Buffer.alloc(TABLE_END.byteLength)
  if (size < end.byteLength) return false
  await file.read(end, 0, end.byteLength, size - end.byteLength)
  return end.equals(TABLE_END)
}

function isTable(name: string): boolean {
  return name.endsWith('.ldb')
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
