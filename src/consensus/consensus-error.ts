import { SomaError } from '../runtime/soma-error.ts'

/** Why consensus data is refused before any signature is looked at. */
export type ConsensusErrorCode =
  | 'COMMITTEE_INVALID' // a validator set that breaks a rule of committees
  | 'GENESIS_INVALID' // a genesis that cannot start a chain
  | 'BLOCK_TOO_LARGE'
  | 'BLOCK_MALFORMED'
  | 'COMMIT_TOO_LARGE'
  | 'COMMIT_MALFORMED'

/** Consensus data that is not well formed. */
export class ConsensusError extends SomaError<ConsensusErrorCode> {}
