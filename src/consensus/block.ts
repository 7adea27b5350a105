import {
  bytes,
  message,
  optional,
  repeated,
  submessage,
  uint32,
  uint64,
  type WireMessage
} from '../runtime/wire-message.ts'
import { type BlockRef, blockRefMessage } from './block-ref.ts'
import { type CommitVote, commitRefMessage } from './commit-ref.ts'
import { type EndOfEpochData, endOfEpochMessage } from './end-of-epoch.ts'
import { MAX_BLOCK_BYTES, MAX_BLOCK_COMMIT_VOTES, MAX_BLOCK_TRANSACTIONS, MAX_COMMITTEE_SIZE } from './limits.ts'

/** One validator's proposal for one round. */
export interface Block {
  readonly epoch: number
  /** At least 1: round 0 is genesis, which exists as references only. */
  readonly round: number
  /** Index of the author in the epoch's committee. */
  readonly author: number
  /** Milliseconds since the Unix epoch, by the author's clock. */
  readonly timestampMs: number
  /** Blocks of earlier rounds that this one builds on, the author's own first. */
  readonly ancestors: readonly BlockRef[]
  /** Opaque to this package but for the transaction verifier. */
  readonly transactions: readonly Uint8Array[]
  /** Commits that the author has learned since its last block. */
  readonly commitVotes: readonly CommitVote[]
  readonly endOfEpoch: EndOfEpochData | undefined
}

export const blockMessage: WireMessage<Block> = message('Block', {
  epoch: uint64(1),
  round: uint32(2),
  author: uint32(3),
  timestampMs: uint64(4),
  ancestors: repeated(submessage(5, blockRefMessage), MAX_COMMITTEE_SIZE),
  transactions: repeated(bytes(6, { most: MAX_BLOCK_BYTES }), MAX_BLOCK_TRANSACTIONS),
  commitVotes: repeated(submessage(7, commitRefMessage), MAX_BLOCK_COMMIT_VOTES),
  endOfEpoch: optional(submessage(8, endOfEpochMessage))
})
