import { type Committee, encodeCommittee } from '../consensus/committee.ts'
import type { Digest } from '../consensus/digest.ts'
import { normaliseVotingPowers } from '../consensus/voting-power.ts'
import { blsKeyPair } from '../verify/bls.ts'
import { ed25519PublicKey } from '../verify/ed25519.ts'
import { makeProofOfPossession } from '../verify/proof-of-possession.ts'
import type { ValidatorKeys } from './validator-keys.ts'

/** One validator of a committee to be made. */
export interface CommitteeMember {
  readonly keys: ValidatorKeys
  /** Any positive safe integer, scaled with the others' to voting powers. @default 1 */
  readonly stake?: number
  /** Multiaddrs, at most 8. @default [] */
  readonly addresses?: readonly string[]
}

/** What a committee is made from. */
export interface CommitteeOptions {
  readonly epoch: number
  /** In any order: the committee is ordered by authority key. */
  readonly validators: readonly CommitteeMember[]
  /** Whose proofs of possession they are: the chain's id, or `NO_CHAIN` for the committee of a genesis. */
  readonly chainId: Digest
}

/** A committee with the secrets of its validators. */
export interface BuiltCommittee {
  readonly committee: Committee
  /** By index in the committee. */
  readonly keys: readonly ValidatorKeys[]
}

/**
 * Makes a committee from the secrets of its validators: public keys, proofs of possession, voting powers. The same options give the same
 * bytes, in whatever order the validators are given.
 *
 * @throws {ConsensusError} `COMMITTEE_INVALID` for stakes that cannot be scaled, keys that come twice, or a count out of range
 */
export function buildCommittee({ epoch, validators, chainId }: CommitteeOptions): BuiltCommittee {
  const ordered = validators
    .map((validator) => ({ validator, authority: blsKeyPair(validator.keys.authoritySeed) }))
    .toSorted((a, b) => Buffer.compare(a.authority.publicKey, b.authority.publicKey))
  const powers = normaliseVotingPowers(ordered.map(({ validator }) => validator.stake ?? 1))
  const committee = encodeCommittee({
    epoch,
    validators: ordered.map(({ validator, authority }, index) => ({
      authorityKey: authority.publicKey,
      proofOfPossession: makeProofOfPossession(authority, chainId),
      protocolKey: ed25519PublicKey(validator.keys.protocolSeed),
      networkKey: ed25519PublicKey(validator.keys.networkSeed),
      votingPower: powers[index] as number,
      addresses: validator.addresses ?? []
    }))
  })
  return { committee, keys: ordered.map(({ validator }) => validator.keys) }
}

/** The validators of a committee, to make another of: with the same, its powers are the same. */
export function membersOf({ committee, keys }: BuiltCommittee): CommitteeMember[] {
  return committee.validators.flatMap(({ votingPower, addresses }, index) => {
    const secrets = keys[index]
    return secrets === undefined ? [] : [{ keys: secrets, stake: votingPower, addresses }]
  })
}
