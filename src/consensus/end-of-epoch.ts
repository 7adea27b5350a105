import { bytes, message, optional, uint64, type WireMessage } from '../runtime/wire-message.ts'
import { BLS_SIGNATURE_LENGTH, DIGEST_LENGTH, MAX_COMMITTEE_SIZE, MAX_VALIDATOR_SET_BYTES } from './limits.ts'

/**
 * What a block says of the end of its epoch. All fields but the start time are absent while the author has nothing to say
 * of them; which combinations are valid is the block verifier's business.
 */
export interface EndOfEpochData {
  /** Start of the next epoch, in milliseconds since the Unix epoch. */
  readonly nextEpochStartMs: number
  /** The encoded `ValidatorSet` of the next epoch, digested and signed as these bytes. */
  readonly nextValidatorSet: Uint8Array | undefined
  /** Digest of the executed state at the end of the epoch. */
  readonly stateHash: Uint8Array | undefined
  /** The author's BLS signature over the hand-over. */
  readonly authorSignature: Uint8Array | undefined
  /** BLS aggregate of a quorum of signatures over the same hand-over. */
  readonly aggregateSignature: Uint8Array | undefined
  /** Who signed the aggregate: bit `i % 8` (least significant first) of byte `i / 8` stands for validator `i`. */
  readonly signers: Uint8Array | undefined
}

export const endOfEpochMessage: WireMessage<EndOfEpochData> = message('EndOfEpochData', {
  nextEpochStartMs: uint64(1),
  nextValidatorSet: optional(bytes(2, { most: MAX_VALIDATOR_SET_BYTES })),
  stateHash: optional(bytes(3, { length: DIGEST_LENGTH })),
  authorSignature: optional(bytes(4, { length: BLS_SIGNATURE_LENGTH })),
  aggregateSignature: optional(bytes(5, { length: BLS_SIGNATURE_LENGTH })),
  signers: optional(bytes(6, { most: Math.ceil(MAX_COMMITTEE_SIZE / 8) }))
})
