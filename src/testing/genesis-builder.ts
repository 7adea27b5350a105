import { encodeGenesis, type Genesis } from '../consensus/genesis.ts'
import { NO_CHAIN } from '../consensus/intent.ts'
import { DIGEST_LENGTH } from '../consensus/limits.ts'
import { buildCommittee, type CommitteeMember } from './committee-builder.ts'
import type { ValidatorKeys } from './validator-keys.ts'

/** One validator of a genesis to be made. */
export type GenesisValidator = CommitteeMember

/** What a genesis is made from. */
export interface GenesisOptions {
  /** In any order: the committee is ordered by authority key. */
  readonly validators: readonly GenesisValidator[]
  /** Start of epoch 0, in milliseconds since the Unix epoch. */
  readonly startTimeMs: number
  /** Digest of the executed state before the first commit, 32 bytes. @default zeros */
  readonly stateHash?: Uint8Array
}

/** A genesis with the secrets of its validators. */
export interface BuiltGenesis {
  readonly genesis: Genesis
  /** By index in the committee. */
  readonly keys: readonly ValidatorKeys[]
}

/**
 * Makes a genesis from the secrets of its validators. The same options give the same bytes, in whatever order the validators are given.
 *
 * @throws {ConsensusError} `COMMITTEE_INVALID` for stakes that cannot be scaled, keys that come twice, or a count out of range
 */
export function buildGenesis(options: GenesisOptions): BuiltGenesis {
  const { committee, keys } = buildCommittee({ epoch: 0, validators: options.validators, chainId: NO_CHAIN })
  const genesis = encodeGenesis({
    validatorSet: committee.bytes,
    startTimeMs: options.startTimeMs,
    stateHash: options.stateHash ?? new Uint8Array(DIGEST_LENGTH)
  })
  return { genesis, keys }
}
