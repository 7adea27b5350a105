import { type Digest, digestKey } from '../../src/consensus/digest.ts'
import { SomaError } from '../../src/runtime/soma-error.ts'

/** Why a ledger refused. */
export type LedgerErrorCode =
  | 'LEDGER_GAP' // a commit that does not follow the one executed last
  | 'LEDGER_OTHER_CHAIN' // a commit that follows another one than the one executed last, or a ledger of another chain
  | 'LEDGER_OTHER_TRANSACTIONS' // the ledger was made for the other kind of transactions
  | 'LEDGER_WRONG_VERSION' // the ledger was written by an incompatible version
  | 'LEDGER_WRONG_EPOCH' // a commit of another epoch than the ledger has come to
  | 'LEDGER_STATE_DIVERGED' // the chain hands over another state than this ledger has
  | 'LEDGER_LOCKED' // another process has the ledger open
  | 'LEDGER_OPEN_FAILED' // the database did not open, for another reason
  | 'LEDGER_CORRUPTED' // what is stored is not what was written
  | 'LEDGER_WRITE_FAILED' // the database refused a write; the next execution tries anew
  | 'LEDGER_READ_FAILED'
  | 'LEDGER_CLOSED' // used after close

/** A failure of the executor's own database, or commits that it cannot execute. */
export class LedgerError extends SomaError<LedgerErrorCode> {}

/** A quorum handed over another state than this ledger has: one of the two executed something else. */
export class StateDivergedError extends LedgerError {
  /** The state after the commit before. */
  readonly own: Digest
  readonly handedOver: Digest
  /** Index of the epoch's last commit, which is not executed. */
  readonly commit: number

  constructor({ own, handedOver, commit }: { own: Digest; handedOver: Digest; commit: number }) {
    super(
      'LEDGER_STATE_DIVERGED',
      `commit ${commit} hands over the state ${digestKey(handedOver)}, and this ledger has ${digestKey(own)}: move the ledger away to execute the chain anew`
    )
    this.own = own
    this.handedOver = handedOver
    this.commit = commit
  }
}
