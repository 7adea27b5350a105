import type { Stream } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import type { getKnownPeers } from '../discovery/protocols.ts'
import type { RpcContext, RpcProtocol } from '../rpc/rpc.ts'
import type {
  fetchBlocks,
  fetchCommits,
  getCommitAvailability,
  getCommitInfo,
  pushCommit
} from '../state-sync/protocols.ts'

/** Turns the answer of an honest peer into another. It is asked for each request anew; what it throws goes out as a handler's error does. */
export type AnswerLie<Request, Response> = (
  honest: AsyncIterable<Response>,
  request: Request,
  context: RpcContext
) => AsyncIterable<Response>

/** One request, below the frames. */
export interface RawExchange {
  readonly stream: Stream
  /** Resolves once the request has come. @throws {RpcError} when it does not come whole */
  readonly requested: Promise<void>
  /** What an honest peer would answer with, a frame at a time; the last is the status. */
  honest(): AsyncIterable<Uint8ArrayList>
}

/** Does with a stream what the protocol does not provide for. What it throws resets the stream. */
export type StreamLie = (exchange: RawExchange) => Promise<void>

/** How a peer misbehaves in one RPC: in what it says, or in how it says it. */
export type Misconduct<Protocol> =
  Protocol extends RpcProtocol<infer Request, infer Response>
    ? { readonly answer: AnswerLie<Request, Response> } | { readonly stream: StreamLie }
    : never

/** How a peer misbehaves, RPC by RPC. Where it says nothing the peer is honest. */
export interface ByzantineScript {
  readonly getCommitInfo?: Misconduct<typeof getCommitInfo>
  readonly getCommitAvailability?: Misconduct<typeof getCommitAvailability>
  readonly fetchCommits?: Misconduct<typeof fetchCommits>
  readonly fetchBlocks?: Misconduct<typeof fetchBlocks>
  readonly pushCommit?: Misconduct<typeof pushCommit>
  readonly getKnownPeers?: Misconduct<typeof getKnownPeers>
}
