import type { AbortOptions, PeerId } from '@libp2p/interface'
import type { WireMessage } from '../runtime/wire-message.ts'
import type { Rate } from './rate-limiter.ts'

/** One RPC: its name on the wire, its messages and its limits. */
export interface RpcProtocol<Request, Response> {
  /** Last part of the protocol id `/soma-p2p/<chain id in hex>/<name>/1`, in kebab case. */
  readonly name: string
  readonly request: WireMessage<Request>
  readonly response: WireMessage<Response>
  /** `unary`: one response frame and the status. `streaming`: any number of response frames and the status. */
  readonly kind: 'unary' | 'streaming'
  /** Most bytes of a request frame. */
  readonly maxRequestBytes: number
  /** Most bytes of a response frame. */
  readonly maxResponseBytes: number
  readonly deadlines: RpcDeadlines
  /** How much one peer may ask of a server: units a second, and at once after a rest. @default the `requestsPerSecond` and `requestBurst` of the service */
  readonly rate?: Rate
  /** What a request counts for, in units, at least 1: in the order of what is asked for. @default 1 */
  readonly cost?: (request: Request) => number
}

/**
 * How long a client waits for the server, in milliseconds. Every further 64 KiB of a large frame begin its deadline anew: a slow link is no
 * silence. The time that the consumer takes counts for the whole answer only.
 */
export interface RpcDeadlines {
  /** From the request until the first frame of the answer; for opening a stream as well. */
  readonly firstFrameMs: number
  /** From one frame of the answer to the next. */
  readonly betweenFramesMs: number
  /** For the whole answer; what the consumer takes its time for between two frames does not count. The server gives up after it, too. */
  readonly totalMs: number
}

/** Who asks, and until when. */
export interface RpcContext {
  readonly peer: PeerId
  /** Aborts when the stream ends, the deadline passes or the service stops. A handler must end soon after: `stop()` waits for it. */
  readonly signal: AbortSignal
}

/**
 * Answers requests of one protocol: an iterable of response messages (one, for a unary protocol). Between two of them it may yield `undefined`: it has worked and has nothing to say yet,
 * and goes on when it is its peer's turn again. A thrown `RpcError` whose code is one of the statuses goes to the peer as that status; anything else goes as `internal`, without its text.
 */
export type RpcHandler<Request, Response> = (
  request: Request,
  context: RpcContext
) => AsyncIterable<Response | undefined> | Promise<Response>

/** With a request for a stream of responses. */
export interface StreamOptions extends AbortOptions {
  /** Called as bytes of the answer arrive, long before they are a frame: it tells a slow peer from a silent one. It must not throw. */
  readonly onBytes?: (bytes: number) => void
}

/**
 * Request and response over libp2p streams. The libp2p service made by `rpc()`.
 *
 * A peer that answered `RPC_RATE_LIMITED` is not asked the same RPC again before the time that it named, a minute at most: until then every request fails
 * at once, with that code and the time that is left.
 */
export interface Rpc {
  /** The libp2p protocol id of an RPC on this chain: `/soma-p2p/<chain id in hex>/<name>/1`. */
  protocolId<Request, Response>(protocol: RpcProtocol<Request, Response>): string

  /**
   * Registers the handler of a protocol. Once each; before or after start.
   *
   * @throws {TypeError} when it has one already
   * @throws {RangeError} when its rate is none
   */
  handle<Request, Response>(protocol: RpcProtocol<Request, Response>, handler: RpcHandler<Request, Response>): void

  /**
   * Asks a peer, and waits for its answer.
   *
   * @throws {RpcError}
   */
  call<Request, Response>(
    peer: PeerId,
    protocol: RpcProtocol<Request, Response>,
    request: Request,
    options?: AbortOptions
  ): Promise<Response>

  /**
   * Asks a peer, and yields its response messages as they come. It pauses the peer while the consumer is busy. Ends after an ok status; a
   * consumer that stops early resets the stream.
   *
   * @throws {RpcError} while iterating
   */
  stream<Request, Response>(
    peer: PeerId,
    protocol: RpcProtocol<Request, Response>,
    request: Request,
    options?: StreamOptions
  ): AsyncGenerator<Response, void, undefined>
}
