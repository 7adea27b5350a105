import { WireError } from '../runtime/wire-error.ts'
import { bytes, message, uint64, type WireMessage } from '../runtime/wire-message.ts'
import type { CommitRef } from './commit-ref.ts'
import { type Committee, decodeCommittee } from './committee.ts'
import { ConsensusError } from './consensus-error.ts'
import { type Digest, digestOf } from './digest.ts'
import { DIGEST_LENGTH, MAX_VALIDATOR_SET_BYTES } from './limits.ts'

/** What a chain starts from, as it travels. */
export interface GenesisContent {
  /** The encoded `ValidatorSet` of epoch 0. */
  readonly validatorSet: Uint8Array
  /** Start of epoch 0, in milliseconds since the Unix epoch. */
  readonly startTimeMs: number
  /** Digest of the executed state before the first commit. */
  readonly stateHash: Uint8Array
}

export const genesisMessage: WireMessage<GenesisContent> = message('Genesis', {
  validatorSet: bytes(1, { most: MAX_VALIDATOR_SET_BYTES }),
  startTimeMs: uint64(2),
  stateHash: bytes(3, { length: DIGEST_LENGTH })
})

/** A chain's genesis. Its digest is the chain id: part of every signing domain and protocol id. */
export interface Genesis {
  readonly chainId: Digest
  readonly committee: Committee
  readonly startTimeMs: number
  readonly stateHash: Digest
  /** The encoded `Genesis`: the content of a genesis file. */
  readonly bytes: Uint8Array
}

/**
 * Reads a genesis and checks its committee.
 *
 * @throws {ConsensusError} `GENESIS_INVALID`, `COMMITTEE_INVALID`
 */
export function decodeGenesis(input: Uint8Array): Genesis {
  let content: GenesisContent
  try {
    content = genesisMessage.decode(input)
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause
    throw new ConsensusError('GENESIS_INVALID', `not a genesis: ${cause.message}`, { cause })
  }
  const committee = decodeCommittee(content.validatorSet)
  if (committee.epoch !== 0)
    throw new ConsensusError('GENESIS_INVALID', `a committee of epoch ${committee.epoch}, not 0`)
  return {
    chainId: digestOf('genesis', input),
    committee,
    startTimeMs: content.startTimeMs,
    stateHash: content.stateHash,
    bytes: input
  }
}

/** Makes a genesis. */
export function encodeGenesis(content: GenesisContent): Genesis {
  return decodeGenesis(genesisMessage.encode(content))
}

/** Commit 0, which stands for the genesis: its digest is the chain id. */
export function genesisCommitRef(genesis: Genesis): CommitRef {
  return { index: 0, digest: genesis.chainId }
}
