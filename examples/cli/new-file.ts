import { writeFile } from 'node:fs/promises'
import { toError } from '../../src/runtime/soma-error.ts'
import { UsageError } from './cli-error.ts'

/**
 * Writes a file that must not be there yet, durably.
 *
 * @throws {UsageError} `FILE_EXISTS`, `FILE_UNWRITABLE`
 */
export async function writeNewFile(path: string, content: string | Uint8Array): Promise<void> {
  try {
    await writeFile(path, content, { flag: 'wx', flush: true })
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')
      throw new UsageError('FILE_EXISTS', `${path} is there already`, { cause })
    throw new UsageError('FILE_UNWRITABLE', `cannot write ${path}: ${toError(cause).message}`, { cause })
  }
}
