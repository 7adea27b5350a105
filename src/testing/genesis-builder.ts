import { encodeCommittee } from '../consensus/committee.ts'
import { encodeGenesis, type Genesis } from '../consensus/genesis.ts'
import { NO_CHAIN } from '../consensus/intent.ts'
import { DIGEST_LENGTH } from '../consensus/limits.ts'
import { normaliseVotingPowers } from '../consensus/voting-power.ts'
import { blsKeyPair } from '../verify/bls.ts'
import { ed25519PublicKey } from '../verify/ed25519.ts'
import { makeProofOfPossession } from '../verify/proof-of-possession.ts'
import type { ValidatorKeys } from './validator-keys.ts'

/** One validator of a genesis to be made. */
export interface GenesisValidator {
  readonly keys: ValidatorKeys
  /** Any positive safe integer, scaled with the others' to voting powers. @default 1 */
  readonly stake?: number
  /** Multiaddrs, at most 8. @default [] */
  readonly addresses?: readonly string[]
}

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
 * Makes a genesis from the secrets of its validators: public keys, proofs of possession, voting powers. The same options give the same
 * bytes, in whatever order the validators are given.
 *
 * @throws {ConsensusError} `COMMITTEE_INVALID` for stakes that cannot be scaled, keys that come twice, or a count out of range
 */
export function buildGenesis(options: GenesisOptions): BuiltGenesis {
  const ordered = options.validators
    .map((validator) => ({ validator, authority: blsKeyPair(validator.keys.authoritySeed) }))
    .toSorted((a, b) => Buffer.compare(a.authority.publicKey, b.authority.publicKey))
  const powers = normaliseVotingPowers(ordered.map(({ validator }) => validator.stake ?? 1))
  const committee = encodeCommittee({
    epoch: 0,
    validators: ordered.map(({ validator, authority }, index) => ({
      authorityKey: authority.publicKey,
      proofOfPossession: makeProofOfPossession(authority, NO_CHAIN),
      protocolKey: ed25519PublicKey(validator.keys.protocolSeed),
      networkKey: ed25519PublicKey(validator.keys.networkSeed),
      votingPower: powers[index] as number,
      addresses: validator.addresses ?? []
    }))
  })
  const genesis = encodeGenesis({
    validatorSet: committee.bytes,
    startTimeMs: options.startTimeMs,
    stateHash: options.stateHash ?? new Uint8Array(DIGEST_LENGTH)
  })
  return { genesis, keys: ordered.map(({ validator }) => validator.keys) }
}
