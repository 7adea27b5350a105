import { SomaError } from '../runtime/soma-error.ts'

/** The statuses of the wire, by their numbers in `protocols/rpc.proto`. */
export const STATUS = {
  ok: 0,
  invalidRequest: 1,
  notFound: 2,
  rateLimited: 3,
  unavailable: 4,
  internal: 5
} as const

/** The name of a status on the wire. */
export type StatusName = keyof typeof STATUS

/** What went wrong with a request to a peer. */
export type RpcErrorCode =
  // the peer's answer, as a status
  | 'RPC_INVALID_REQUEST'
  | 'RPC_NOT_FOUND'
  | 'RPC_RATE_LIMITED'
  | 'RPC_UNAVAILABLE'
  | 'RPC_INTERNAL'
  // the network
  | 'RPC_NOT_CONNECTED' // no connection, or the dial failed
  | 'RPC_UNSUPPORTED' // the peer does not speak the protocol
  | 'RPC_STREAM_TORN' // reset, or ended before the status
  | 'RPC_TIMEOUT' // a deadline passed: first byte, between frames, whole answer or write
  // violations of the protocol
  | 'RPC_OVERSIZE_FRAME' // a length prefix above the limit
  | 'RPC_BAD_FRAME' // not a frame, or not the message that it should be
  | 'RPC_TOO_MANY_STREAMS' // streams opened one after the other, whatever for
  | 'RPC_UNEXPECTED_FRAME' // a frame where none should be: a second answer to a unary request, or one after the status

/** A request to a peer, or one from it, that failed. */
export class RpcError extends SomaError<RpcErrorCode> {
  /** With `RPC_NOT_FOUND`: the lowest commit that the peer has. */
  readonly lowestAvailable: number | undefined
  /** With `RPC_RATE_LIMITED` and `RPC_UNAVAILABLE`: when to ask again, in milliseconds. */
  readonly retryAfterMs: number | undefined

  constructor(
    code: RpcErrorCode,
    message: string,
    options?: ErrorOptions & { lowestAvailable?: number | undefined; retryAfterMs?: number | undefined }
  ) {
    super(code, message, options)
    this.lowestAvailable = options?.lowestAvailable
    this.retryAfterMs = options?.retryAfterMs
  }
}
