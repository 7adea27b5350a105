import { toError } from '../runtime/soma-error.ts'
import { StorageError } from './storage-error.ts'

/** The code of a database error: abstract-level puts the database's own under `LEVEL_DATABASE_NOT_OPEN`, as its cause. */
function levelCode(thrown: unknown): string | undefined {
  const error = toError(thrown)
  if (error.cause !== undefined) {
    const inner = levelCode(error.cause)
    if (inner !== undefined) return inner
  }
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** Whether an operation failed only because the database was closed under it. */
export function isNotOpen(thrown: unknown): boolean {
  const code = levelCode(thrown)
  return code === 'LEVEL_DATABASE_NOT_OPEN' || code === 'LEVEL_ITERATOR_NOT_OPEN'
}

/** Why a database at `where` did not open, with the remedy. */
export function openError(thrown: unknown, where: string): StorageError {
  if (thrown instanceof StorageError) return thrown
  const cause = toError(thrown)
  switch (levelCode(thrown)) {
    case 'LEVEL_LOCKED':
      return new StorageError(
        'STORAGE_LOCKED',
        `${where} is open already: stop the node that uses it, or give this one a directory of its own`,
        { cause }
      )
    case 'LEVEL_CORRUPTION':
      return corrupted(`${where} does not open`, { cause })
    default:
      return new StorageError(
        'STORAGE_OPEN_FAILED',
        `${where} does not open: see that it is a directory, that this user may write there and that the disk has room`,
        { cause }
      )
  }
}

/** Why a read failed. */
export function readError(thrown: unknown): StorageError {
  if (thrown instanceof StorageError) return thrown
  const cause = toError(thrown)
  if (levelCode(thrown) === 'LEVEL_CORRUPTION') return corrupted('the database cannot be read', { cause })
  return new StorageError('STORAGE_READ_FAILED', `the database could not read: ${cause.message}`, { cause })
}

/** Why a write failed. */
export function writeError(thrown: unknown): StorageError {
  if (thrown instanceof StorageError) return thrown
  const cause = toError(thrown)
  return new StorageError(
    'STORAGE_WRITE_FAILED',
    'the database refused a write, of which nothing was stored: see that the disk has room and is healthy; the next write tries anew',
    { cause }
  )
}

/** What is stored is not what was written. */
export function corrupted(what: string, options?: ErrorOptions): StorageError {
  return new StorageError(
    'STORAGE_CORRUPTED',
    `${what}: the data is damaged; move the directory away and sync anew, or restore a copy of it`,
    options
  )
}
