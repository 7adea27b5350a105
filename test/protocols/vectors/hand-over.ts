import type { Block } from '../../../src/consensus/block.ts'
import { type Committee, encodeCommittee } from '../../../src/consensus/committee.ts'
import type { EndOfEpochData } from '../../../src/consensus/end-of-epoch.ts'
import type { SignedBlock } from '../../../src/consensus/signed-block.ts'
import type { Validator } from '../../../src/consensus/validator-set.ts'
import { blsAggregate, blsKeyPair, blsSign } from '../../../src/verify/bls.ts'
import { ed25519PublicKey } from '../../../src/verify/ed25519.ts'
import { handOverMessage } from '../../../src/verify/hand-over.ts'
import { makeProofOfPossession } from '../../../src/verify/proof-of-possession.ts'
import { encodeSigners } from '../../../src/verify/signer-bitmap.ts'
import { filled } from './fields.ts'
import { blockBy, chainId, chainRound, committee, genesis, keys, refsOf, secretsOf } from './fixture.ts'

/** Who comes in epoch 1: the first three validators, as they are but for their power, and a new one in the place of the fourth. */
export const nextCommittee: Committee = encodeCommittee({
  epoch: 1,
  validators: [...committee.validators.slice(0, 3), newValidator()].map((validator) => ({
    ...validator,
    votingPower: 2_500
  }))
})

export const nextEpochStartMs: number = genesis.startTimeMs + 3_600_000
export const stateHash: Uint8Array = filled(0xbb)
export const message: Uint8Array = handOverMessage(chainId, {
  epoch: 0,
  nextSetDigest: nextCommittee.digest,
  nextEpochStartMs,
  stateHash
})
/** Their powers are 3,000, 3,000 and 2,000, in the order of the committee or another: a quorum in each. */
export const signers: readonly number[] = [0, 1, 2]
/** Of every validator, by index. */
export const signatures: readonly Uint8Array[] = keys.map(({ authoritySeed }) =>
  blsSign(blsKeyPair(authoritySeed).secretKey, message)
)
export const aggregate: Uint8Array = blsAggregate(signers.map((signer) => signatures[signer] as Uint8Array))
export const bitmap: Uint8Array = encodeSigners(signers, committee)

/** End-of-epoch data with nothing but a start time, and what is given. */
export function endOfEpoch(changes: Partial<EndOfEpochData> = {}): EndOfEpochData {
  return {
    nextEpochStartMs,
    nextValidatorSet: undefined,
    stateHash: undefined,
    authorSignature: undefined,
    aggregateSignature: undefined,
    signers: undefined,
    ...changes
  }
}

/** Everything that the leader of an epoch's last commit says. */
export function fullEndOfEpoch(author: number): EndOfEpochData {
  return endOfEpoch({
    nextValidatorSet: nextCommittee.bytes,
    stateHash,
    authorSignature: signatures[author],
    aggregateSignature: aggregate,
    signers: bitmap
  })
}

/** A block of round 4 with end-of-epoch data. */
export function blockWith(data: EndOfEpochData, author: number, changes: Partial<Block> = {}): SignedBlock {
  return blockBy(author, 4, refsOf(chainRound(3)), { endOfEpoch: data, ...changes })
}

function newValidator(): Validator {
  const { networkSeed, protocolSeed, authoritySeed } = secretsOf(4)
  const authority = blsKeyPair(authoritySeed)
  return {
    authorityKey: authority.publicKey,
    proofOfPossession: makeProofOfPossession(authority, chainId),
    protocolKey: ed25519PublicKey(protocolSeed),
    networkKey: ed25519PublicKey(networkSeed),
    votingPower: 2_500,
    addresses: ['/dns4/validator.example/tcp/9000']
  }
}
