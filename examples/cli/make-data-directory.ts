import { mkdir } from 'node:fs/promises'
import { errorCode, toError } from '../../src/runtime/soma-error.ts'
import { UsageError } from './cli-error.ts'

/**
 * Makes a data directory, for its owner alone, unless it is there.
 *
 * @throws {UsageError} `USAGE` when it is a file or lies in one, `FILE_UNWRITABLE`
 */
export async function makeDataDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
  } catch (cause) {
    const where = { EEXIST: 'is', ENOTDIR: 'lies in' }[errorCode(cause)]
    if (where === undefined)
      throw new UsageError('FILE_UNWRITABLE', `cannot make ${path}: ${toError(cause).message}`, { cause })
    throw new UsageError('USAGE', `the data directory ${path} ${where} a file: choose another --data-dir`, { cause })
  }
}
