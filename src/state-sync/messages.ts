import { type BlockRef, blockRefMessage } from '../consensus/block-ref.ts'
import { type CommitRef, commitRefMessage } from '../consensus/commit-ref.ts'
import type { Digest } from '../consensus/digest.ts'
import { DIGEST_LENGTH, MAX_BLOCK_BYTES, MAX_COMMIT_BYTES, MAX_COMMITTEE_SIZE } from '../consensus/limits.ts'
import {
  bool,
  bytes,
  message,
  optional,
  repeated,
  submessage,
  uint64,
  type WireMessage
} from '../runtime/wire-message.ts'

/** Most commits of one FetchCommits. */
export const MAX_COMMITS_PER_FETCH = 100
/** Most block references of one FetchBlocks. */
export const MAX_BLOCKS_PER_FETCH = 1_000

/** Asks which commits a peer has. */
export interface GetCommitAvailabilityRequest {
  /** The asker's wall clock, for the server's log only. */
  readonly timestampMs: number
}
/** The commits that a peer has, and can prove. */
export interface GetCommitAvailabilityResponse {
  /** The highest commit that the server can prove with certifier blocks; 0 when it has none. */
  readonly highestCertifiable: number
  readonly lowestAvailable: number
}
export const getCommitAvailabilityRequestMessage: WireMessage<GetCommitAvailabilityRequest> = message(
  'GetCommitAvailabilityRequest',
  { timestampMs: uint64(1) }
)
export const getCommitAvailabilityResponseMessage: WireMessage<GetCommitAvailabilityResponse> = message(
  'GetCommitAvailabilityResponse',
  { highestCertifiable: uint64(1), lowestAvailable: uint64(2) }
)

/** Exactly one of the three. */
export interface GetCommitInfoRequest {
  /** The highest synced commit. */
  readonly latest: boolean | undefined
  /** The commit of an index; 0 gives the chain id. */
  readonly index: number | undefined
  readonly digest: Digest | undefined
}
/** The commit that was asked for. */
export interface GetCommitInfoResponse {
  readonly commit: CommitRef
}
export const getCommitInfoRequestMessage: WireMessage<GetCommitInfoRequest> = message(
  'GetCommitInfoRequest',
  {
    latest: optional(bool(1)),
    index: optional(uint64(2)),
    digest: optional(bytes(3, { length: DIGEST_LENGTH }))
  },
  { exactlyOne: true }
)
export const getCommitInfoResponseMessage: WireMessage<GetCommitInfoResponse> = message('GetCommitInfoResponse', {
  commit: submessage(1, commitRefMessage)
})

/** Asks for a range of commits, and what certifies the last of them. */
export interface FetchCommitsRequest {
  /** First commit wanted, at least 1. */
  readonly start: number
  /** Last commit wanted, included; at most 99 above the first. */
  readonly end: number
}
/** One frame of the answer: commits in order over all frames, then the certifier blocks of the last commit. */
export interface FetchCommitsResponse {
  /** Encoded `Commit` messages. */
  readonly commits: readonly Uint8Array[]
  /** Signed blocks: signature and encoded `Block`. */
  readonly certifierBlocks: readonly Uint8Array[]
}
export const fetchCommitsRequestMessage: WireMessage<FetchCommitsRequest> = message('FetchCommitsRequest', {
  start: uint64(1),
  end: uint64(2)
})
export const fetchCommitsResponseMessage: WireMessage<FetchCommitsResponse> = message('FetchCommitsResponse', {
  commits: repeated(bytes(1, { most: MAX_COMMIT_BYTES }), MAX_COMMITS_PER_FETCH),
  certifierBlocks: repeated(bytes(2, { most: MAX_BLOCK_BYTES }), MAX_COMMITTEE_SIZE)
})

/** Asks for blocks, at most 1,000. */
export interface FetchBlocksRequest {
  readonly refs: readonly BlockRef[]
}
/** One frame of the answer: blocks in the order asked over all frames; those that the server lacks are left out. */
export interface FetchBlocksResponse {
  /** Signed blocks: signature and encoded `Block`. */
  readonly blocks: readonly Uint8Array[]
}
export const fetchBlocksRequestMessage: WireMessage<FetchBlocksRequest> = message('FetchBlocksRequest', {
  refs: repeated(submessage(1, blockRefMessage), MAX_BLOCKS_PER_FETCH)
})
export const fetchBlocksResponseMessage: WireMessage<FetchBlocksResponse> = message('FetchBlocksResponse', {
  blocks: repeated(bytes(1, { most: MAX_BLOCK_BYTES }), MAX_BLOCKS_PER_FETCH)
})

/** Tells a peer of a new highest certifiable commit. */
export interface PushCommitRequest {
  readonly commit: CommitRef
  readonly lowestAvailable: number
}
/** A push is taken note of, and that is all. */
export type PushCommitResponse = Record<string, never>
export const pushCommitRequestMessage: WireMessage<PushCommitRequest> = message('PushCommitRequest', {
  commit: submessage(1, commitRefMessage),
  lowestAvailable: uint64(2)
})
export const pushCommitResponseMessage: WireMessage<PushCommitResponse> = message('PushCommitResponse', {})
