import { SomaError } from '../../src/runtime/soma-error.ts'

/** Why a ledger refused. */
export type LedgerErrorCode =
  | 'LEDGER_GAP' // a commit that does not follow the one executed last
  | 'LEDGER_OTHER_CHAIN' // a commit that follows another one than the one executed last: the ledger belongs to another chain
  | 'LEDGER_LOCKED' // another process has the ledger open
  | 'LEDGER_OPEN_FAILED' // the database did not open, for another reason
  | 'LEDGER_CORRUPTED' // what is stored is not what was written
  | 'LEDGER_WRITE_FAILED' // the database refused; nothing was executed
  | 'LEDGER_READ_FAILED'
  | 'LEDGER_CLOSED' // used after close

/** A failure of the executor's own database, or commits that it cannot execute. */
export class LedgerError extends SomaError<LedgerErrorCode> {}
