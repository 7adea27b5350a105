import type { RpcProtocol } from '../rpc/rpc.ts'
import {
  type GetKnownPeersRequest,
  type GetKnownPeersResponse,
  getKnownPeersRequestMessage,
  getKnownPeersResponseMessage,
  MAX_PREFIXES,
  MAX_SIGNED_NODE_INFO_BYTES,
  PREFIX_BYTES
} from './messages.ts'

/** Room for what a frame holds besides its content. */
const FRAME_OVERHEAD_BYTES = 1_024

/** An exchange of node infos: the asker's own for the server's own and others. */
export const getKnownPeers: RpcProtocol<GetKnownPeersRequest, GetKnownPeersResponse> = {
  name: 'get-known-peers',
  kind: 'unary',
  request: getKnownPeersRequestMessage,
  response: getKnownPeersResponseMessage,
  maxRequestBytes: MAX_SIGNED_NODE_INFO_BYTES + MAX_PREFIXES * PREFIX_BYTES + FRAME_OVERHEAD_BYTES,
  // 200 infos of the usual 200 to 400 bytes are 80 KiB; a server with larger ones sends fewer of them
  maxResponseBytes: 1024 * 1024,
  // a small answer from memory: the original's RPC timeout
  deadlines: { firstFrameMs: 10_000, betweenFramesMs: 10_000, totalMs: 10_000 }
}

/** Most bytes of an encoded answer, so that it fits into its frame. */
export const MAX_ANSWER_BYTES: number = getKnownPeers.maxResponseBytes - FRAME_OVERHEAD_BYTES
