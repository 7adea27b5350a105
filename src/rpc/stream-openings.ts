import {
  type ConnectionEncrypter,
  type MessageStream,
  type PeerId,
  type SecuredConnection,
  type StreamMuxerFactory,
  serviceCapabilities
} from '@libp2p/interface'
import { AbstractStreamMuxer } from '@libp2p/utils'
import { type Clock, systemClock } from '../runtime/clock.ts'
import { type Rate, RateLimiter } from './rate-limiter.ts'
import { RpcError } from './rpc-error.ts'

/** Streams of one peer: several times what one needs that asks as much as it may and keeps none for its next request, and some per cent of a core. */
const OPENINGS: Rate = { perSecond: 100, burst: 500 }
/** Peers whose rate is remembered: more than are connected. */
const MAX_PEERS = 4_096

/** What limits how often peers open streams. */
export interface StreamOpeningsInit {
  /** How often a peer may open a stream, of whatever protocol. @default 100 a second, and 500 at once after a rest */
  readonly rate?: Rate
  /** Called with each connection that is aborted for it, and why: `RPC_TOO_MANY_STREAMS`. It must not throw. */
  readonly onExcess: (peer: PeerId, error: RpcError) => void
  /** @default the machine's */
  readonly clock?: Clock
}

/** What libp2p takes for an encrypter or muxer: a function from its components to the part. */
export type Libp2pModule<Components, Part> = (components: Components) => Part

/**
 * Limits how often peers open streams. Each costs the agreement on its protocol, however soon it is reset, and no handler of a protocol sees those that are reset before. So they are
 * counted where they arrive, in the muxer, over all connections of a peer; the connection that brings one too many is aborted.
 */
export class StreamOpenings {
  readonly #onExcess: StreamOpeningsInit['onExcess']
  readonly #limiter: RateLimiter
  readonly #peers = new WeakMap<MessageStream, PeerId>()

  /** @throws {RangeError} when the rate is none */
  constructor({ rate = OPENINGS, onExcess, clock = systemClock }: StreamOpeningsInit) {
    this.#onExcess = onExcess
    this.#limiter = new RateLimiter({ ...rate, capacity: MAX_PEERS, clock })
  }

  /** For `createLibp2p({ connectionEncrypters })`: takes note of who is at the other end, which a muxer is not told. */
  encrypter<Components>(
    module: Libp2pModule<Components, ConnectionEncrypter>
  ): Libp2pModule<Components, ConnectionEncrypter> {
    return (components) => {
      const encrypter = module(components)
      const noted = (secured: SecuredConnection): SecuredConnection => {
        this.#peers.set(secured.connection, secured.remotePeer)
        return secured
      }
      return {
        [serviceCapabilities]: ['@libp2p/connection-encryption'],
        protocol: encrypter.protocol,
        secureInbound: async (connection, options) => noted(await encrypter.secureInbound(connection, options)),
        secureOutbound: async (connection, options) => noted(await encrypter.secureOutbound(connection, options))
      }
    }
  }

  /** For `createLibp2p({ streamMuxers })`: counts. */
  muxer<Components>(
    module: Libp2pModule<Components, StreamMuxerFactory>
  ): Libp2pModule<Components, StreamMuxerFactory> {
    return (components) => {
      const factory = module(components)
      return {
        [serviceCapabilities]: ['@libp2p/stream-multiplexing'],
        protocol: factory.protocol,
        createStreamMuxer: (connection) => {
          const muxer = factory.createStreamMuxer(connection)
          const peer = this.#peers.get(connection)
          if (peer !== undefined && muxer instanceof AbstractStreamMuxer) this.#count(peer, muxer)
          return muxer
        }
      }
    }
  }

  #count(peer: PeerId, muxer: AbstractStreamMuxer): void {
    const key = peer.toString()
    const onRemoteStream = muxer.onRemoteStream.bind(muxer)
    muxer.onRemoteStream = (stream) => {
      if (this.#limiter.take(key) > 0) {
        const error = new RpcError('RPC_TOO_MANY_STREAMS', 'opens streams without a pause')
        this.#onExcess(peer, error)
        throw error // which aborts the muxer and its connection
      }
      onRemoteStream(stream)
    }
  }
}
