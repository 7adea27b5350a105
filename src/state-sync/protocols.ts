import { MAX_REQUEST_FRAME_BYTES, MAX_RESPONSE_FRAME_BYTES } from '../rpc/frame-messages.ts'
import type { Rate } from '../rpc/rate-limiter.ts'
import type { RpcDeadlines, RpcProtocol } from '../rpc/rpc.ts'
import {
  type FetchBlocksRequest,
  type FetchBlocksResponse,
  type FetchCommitsRequest,
  type FetchCommitsResponse,
  fetchBlocksRequestMessage,
  fetchBlocksResponseMessage,
  fetchCommitsRequestMessage,
  fetchCommitsResponseMessage,
  type GetCommitAvailabilityRequest,
  type GetCommitAvailabilityResponse,
  type GetCommitInfoRequest,
  type GetCommitInfoResponse,
  getCommitAvailabilityRequestMessage,
  getCommitAvailabilityResponseMessage,
  getCommitInfoRequestMessage,
  getCommitInfoResponseMessage,
  type PushCommitRequest,
  type PushCommitResponse,
  pushCommitRequestMessage,
  pushCommitResponseMessage
} from './messages.ts'

/** Small answers: the original's RPC timeout of 10 s. */
const SMALL_ANSWER: RpcDeadlines = { firstFrameMs: 10_000, betweenFramesMs: 10_000, totalMs: 10_000 }
/** Contents: the original's 60 s for the whole. */
const CONTENTS: RpcDeadlines = { firstFrameMs: 10_000, betweenFramesMs: 10_000, totalMs: 60_000 }
/** Lookups of a peer: a height is asked for every few seconds, a commit once. */
const LOOKUPS: Rate = { perSecond: 50, burst: 200 }
/** Contents for a peer, in units: 50,000 blocks or 10,000 commits a second, more than any node verifies, and four seconds' worth of them after a rest. */
const CONTENTS_RATE: Rate = { perSecond: 1_000, burst: 4_000 }
const COMMITS_PER_UNIT = 10
const BLOCKS_PER_UNIT = 50
/** Requests and answers of a few numbers and digests. */
const SMALL_FRAME_BYTES = 1_024

export const getCommitAvailability: RpcProtocol<GetCommitAvailabilityRequest, GetCommitAvailabilityResponse> = {
  name: 'get-commit-availability',
  kind: 'unary',
  request: getCommitAvailabilityRequestMessage,
  response: getCommitAvailabilityResponseMessage,
  maxRequestBytes: SMALL_FRAME_BYTES,
  maxResponseBytes: SMALL_FRAME_BYTES,
  deadlines: SMALL_ANSWER,
  rate: LOOKUPS
}

export const getCommitInfo: RpcProtocol<GetCommitInfoRequest, GetCommitInfoResponse> = {
  name: 'get-commit-info',
  kind: 'unary',
  request: getCommitInfoRequestMessage,
  response: getCommitInfoResponseMessage,
  maxRequestBytes: SMALL_FRAME_BYTES,
  maxResponseBytes: SMALL_FRAME_BYTES,
  deadlines: SMALL_ANSWER,
  rate: LOOKUPS
}

export const fetchCommits: RpcProtocol<FetchCommitsRequest, FetchCommitsResponse> = {
  name: 'fetch-commits',
  kind: 'streaming',
  request: fetchCommitsRequestMessage,
  response: fetchCommitsResponseMessage,
  maxRequestBytes: SMALL_FRAME_BYTES,
  maxResponseBytes: MAX_RESPONSE_FRAME_BYTES,
  deadlines: CONTENTS,
  rate: CONTENTS_RATE,
  cost: ({ start, end }) => Math.max(1, Math.ceil((end - start + 1) / COMMITS_PER_UNIT))
}

export const fetchBlocks: RpcProtocol<FetchBlocksRequest, FetchBlocksResponse> = {
  name: 'fetch-blocks',
  kind: 'streaming',
  request: fetchBlocksRequestMessage,
  response: fetchBlocksResponseMessage,
  maxRequestBytes: MAX_REQUEST_FRAME_BYTES,
  maxResponseBytes: MAX_RESPONSE_FRAME_BYTES,
  deadlines: CONTENTS,
  rate: CONTENTS_RATE,
  cost: ({ refs }) => Math.max(1, Math.ceil(refs.length / BLOCKS_PER_UNIT))
}

export const pushCommit: RpcProtocol<PushCommitRequest, PushCommitResponse> = {
  name: 'push-commit',
  kind: 'unary',
  request: pushCommitRequestMessage,
  response: pushCommitResponseMessage,
  maxRequestBytes: SMALL_FRAME_BYTES,
  maxResponseBytes: SMALL_FRAME_BYTES,
  deadlines: SMALL_ANSWER
}
