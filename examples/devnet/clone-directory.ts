import { copyFile, link, mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode } from '../../src/runtime/soma-error.ts'

/** LevelDB's tables are written once and never changed, so that clones can share them: a chain of gigabytes is cloned at once. */
const IMMUTABLE = /\.ldb$/

/**
 * Clones a directory of databases that nobody has open. What is there already is left as it is; a clone that was interrupted is made anew.
 */
export async function cloneDirectory(from: string, to: string): Promise<void> {
  if (await exists(to)) return
  const partial = `${to}.partial`
  await rm(partial, { recursive: true, force: true })
  await cloneInto(from, partial)
  await rename(partial, to)
}

async function cloneInto(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true })
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const source = join(from, entry.name)
    const target = join(to, entry.name)
    if (entry.isDirectory()) await cloneInto(source, target)
    else if (IMMUTABLE.test(entry.name))
      await link(source, target).catch(() => copyFile(source, target)) // some file systems have no links
    else await copyFile(source, target)
  }
}

/** Whether there is something of that path. */
export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (thrown) {
    if (errorCode(thrown) === 'ENOENT') return false
    throw thrown
  }
}
