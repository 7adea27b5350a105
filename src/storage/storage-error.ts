import { SomaError } from '../runtime/soma-error.ts'

/** Why the store refused, and what there is to do. */
export type StorageErrorCode =
  | 'STORAGE_NOT_CONSECUTIVE' // a commit that does not follow the watermark: a programming error of the caller
  | 'STORAGE_INVALID_ARGUMENT' // a write whose parts do not belong together, or a value out of range: a programming error of the caller
  | 'STORAGE_WRITE_FAILED' // the database refused a write; nothing of it was stored
  | 'STORAGE_READ_FAILED' // the database could not read
  | 'STORAGE_CORRUPTED' // what is stored is not what was written
  | 'STORAGE_LOCKED' // another process has the database open
  | 'STORAGE_OPEN_FAILED' // the database did not open, for another reason
  | 'STORAGE_WRONG_CHAIN' // the data directory belongs to another chain
  | 'STORAGE_WRONG_VERSION' // the data directory was written by an incompatible version
  | 'STORAGE_CLOSED' // used after close

/** A failure of the local store. Never a peer's fault. */
export class StorageError extends SomaError<StorageErrorCode> {}
