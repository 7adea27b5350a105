import { MAX_REQUEST_FRAME_BYTES, MAX_RESPONSE_FRAME_BYTES } from '../rpc/frame-messages.ts'
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
/** Requests and answers of a few numbers and digests. */
const SMALL_FRAME_BYTES = 1_024

export const getCommitAvailability: RpcProtocol<GetCommitAvailabilityRequest, GetCommitAvailabilityResponse> = {
  name: 'get-commit-availability',
  kind: 'unary',
  request: getCommitAvailabilityRequestMessage,
  response: getCommitAvailabilityResponseMessage,
  maxRequestBytes: SMALL_FRAME_BYTES,
  maxResponseBytes: SMALL_FRAME_BYTES,
  deadlines: SMALL_ANSWER
}

export const getCommitInfo: RpcProtocol<GetCommitInfoRequest, GetCommitInfoResponse> = {
  name: 'get-commit-info',
  kind: 'unary',
  request: getCommitInfoRequestMessage,
  response: getCommitInfoResponseMessage,
  maxRequestBytes: SMALL_FRAME_BYTES,
  maxResponseBytes: SMALL_FRAME_BYTES,
  deadlines: SMALL_ANSWER
}

export const fetchCommits: RpcProtocol<FetchCommitsRequest, FetchCommitsResponse> = {
  name: 'fetch-commits',
  kind: 'streaming',
  request: fetchCommitsRequestMessage,
  response: fetchCommitsResponseMessage,
  maxRequestBytes: SMALL_FRAME_BYTES,
  maxResponseBytes: MAX_RESPONSE_FRAME_BYTES,
  deadlines: CONTENTS
}

export const fetchBlocks: RpcProtocol<FetchBlocksRequest, FetchBlocksResponse> = {
  name: 'fetch-blocks',
  kind: 'streaming',
  request: fetchBlocksRequestMessage,
  response: fetchBlocksResponseMessage,
  maxRequestBytes: MAX_REQUEST_FRAME_BYTES,
  maxResponseBytes: MAX_RESPONSE_FRAME_BYTES,
  deadlines: CONTENTS
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
