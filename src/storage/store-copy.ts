import { rmSync } from 'node:fs'
import { copyFile, mkdtemp, readdir, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { errorCode } from '../runtime/soma-error.ts'
import { openError } from './level-error.ts'
import { StorageError } from './storage-error.ts'

/** A directory that LevelDB may open, and write into, in place of the one that it is made from. */
export interface StoreCopy {
  readonly path: string
  /** Of what it is made from. */
  readonly files: number
  /** Of what it is made from. */
  readonly bytes: number
  /** Whether the directory that it is made from has been written to since. */
  isStale(): Promise<boolean>
  remove(): Promise<void>
}

/**
 * Makes a copy of a LevelDB that costs next to nothing: its tables, which are never changed, are linked to, and only its log, which holds the last few megabytes,
 * is copied. Opening a LevelDB always writes (a new manifest, the log as a table, merges), and all of that happens in the copy.
 *
 * @throws {StorageError} `STORAGE_OPEN_FAILED` where no store is, `STORAGE_LOCKED` where a process writes to it meanwhile
 */
export async function copyStore(path: string): Promise<StoreCopy> {
  const from = resolve(path)
  const before = await filesIn(from)
  if (!before.has('CURRENT') && ![...before.keys()].some(isTable)) {
    throw new StorageError('STORAGE_OPEN_FAILED', `there is no store in ${from}`)
  }
  const copy = await mkdtemp(join(tmpdir(), 'soma-p2p-store-'))
  const removeNow = (): void => rmSync(copy, { recursive: true, force: true })
  process.on('exit', removeNow) // of a process that is told to end while it looks
  const remove = async (): Promise<void> => {
    await rm(copy, { recursive: true, force: true })
    process.off('exit', removeNow)
  }
  const isStale = async () => !isSame(before, await filesIn(from))
  try {
    for (const name of before.keys()) {
      if (isTable(name)) await symlink(join(from, name), join(copy, name))
      else await copyFile(join(from, name), join(copy, name))
    }
    if (await isStale()) throw changing(from)
  } catch (thrown) {
    await remove()
    throw errorCode(thrown) === 'ENOENT' ? changing(from) : openError(thrown, from)
  }
  const bytes = [...before.values()].reduce((sum, { size }) => sum + size, 0)
  return { path: copy, files: before.size, bytes, isStale, remove }
}

/** The node that uses a store is to be stopped before anyone else looks at it. */
export function changing(path: string): StorageError {
  return new StorageError('STORAGE_LOCKED', `${path} is being written to: stop the node that uses it`)
}

interface FoundFile {
  readonly size: number
  readonly modifiedMs: number
}

/** The files that make a LevelDB. Its LOCK and its own diary (LOG) say nothing of the data. */
async function filesIn(path: string): Promise<Map<string, FoundFile>> {
  const found = new Map<string, FoundFile>()
  try {
    for (const name of (await readdir(path)).toSorted()) {
      if (!isTable(name) && !/^(CURRENT|MANIFEST-\d+|\d+\.log)$/.test(name)) continue
      const entry = await stat(join(path, name))
      if (!entry.isFile()) continue // whoever reads a pipe waits for ever
      const { size, mtimeMs: modifiedMs } = entry
      found.set(name, { size, modifiedMs })
    }
  } catch (thrown) {
    if (errorCode(thrown) !== 'ENOENT') throw openError(thrown, path)
  }
  return found
}

function isSame(one: ReadonlyMap<string, FoundFile>, other: ReadonlyMap<string, FoundFile>): boolean {
  return (
    one.size === other.size &&
    [...one].every(([name, { size, modifiedMs }]) => {
      const file = other.get(name)
      return file?.size === size && file.modifiedMs === modifiedMs
    })
  )
}

function isTable(name: string): boolean {
  return name.endsWith('.ldb')
}
