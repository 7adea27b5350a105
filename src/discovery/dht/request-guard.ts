import type { Connection, Stream, StreamHandler } from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'
import { RateLimiter } from '../../rpc/rate-limiter.ts'
import { RpcError } from '../../rpc/rpc-error.ts'
import type { Clock } from '../../runtime/clock.ts'
import { bytesEqual } from '../../runtime/hex.ts'
import { toError } from '../../runtime/soma-error.ts'
import { filterFrames } from './frame-filter.ts'
import { KAD_TYPE, kadMessage, MAX_REQUEST_BYTES } from './kad-message.ts'
import { standIn } from './stand-in.ts'
import { limitLife } from './stream-life.ts'

/** Requests a second of one peer, and at once after a rest: a walk asks a peer once, and some walks go on beside each other. */
const PEER_LIMIT = { perSecond: 5, burst: 50 }
/** Requests a second of all peers together: their number is bounded only by that of connections. */
const TOTAL_LIMIT = { perSecond: 100, burst: 500 }
/** Most peers whose rate is remembered. */
const MAX_PEERS = 1_000
/** Streams of one connection at a time. */
const MAX_STREAMS = 8
/** Requests of one stream. Some implementations keep theirs and ask again. */
const MAX_REQUESTS = 32

export interface RequestGuardInit {
  readonly registrar: Registrar
  readonly protocol: string
  readonly clock: Clock
  /** The bytes of the only key that providers are kept for. */
  readonly rendezvous: Uint8Array
  /** Called for a request to announce a peer, before kad-dht is handed it. */
  readonly onAnnounce: (connection: Connection) => void
  /** Called for a request that no sound implementation makes. */
  readonly onFault: (connection: Connection, error: Error) => void
}

/** Stands before kad-dht's handler of requests: what breaks a limit does not reach it. */
export class RequestGuard {
  readonly #init: RequestGuardInit
  readonly #rates: RateLimiter
  readonly #totalRate: RateLimiter
  readonly #streams = new Set<Stream>()
  #answered = 0
  #refused = 0

  constructor(init: RequestGuardInit) {
    const { clock } = init
    this.#init = init
    this.#rates = new RateLimiter({ ...PEER_LIMIT, capacity: MAX_PEERS, clock })
    this.#totalRate = new RateLimiter({ ...TOTAL_LIMIT, capacity: 1, clock })
  }

  get counts(): { answered: number; refused: number } {
    return { answered: this.#answered, refused: this.#refused }
  }

  readonly asRegistrar: Registrar = standIn<Registrar>('registrar', {
    handle: (protocol, handler, { signal } = {}) => {
      const options = { maxInboundStreams: MAX_STREAMS, ...(signal && { signal }) }
      return this.#init.registrar.handle(
        protocol,
        (stream, connection) => this.#serve(stream, connection, handler),
        options
      )
    },
    unhandle: (protocol, options) => this.#init.registrar.unhandle(protocol, options),
    register: (protocol, topology, options) => this.#init.registrar.register(protocol, topology, options),
    unregister: (id) => this.#init.registrar.unregister(id)
  })

  /** Resets every stream that is being served, and takes no more: kad-dht leaves its handler behind. */
  async stop(): Promise<void> {
    await this.#init.registrar.unhandle(this.#init.protocol)
    for (const stream of this.#streams) stream.abort(new RpcError('RPC_UNAVAILABLE', 'the DHT is stopping'))
  }

  async #serve(stream: Stream, connection: Connection, handler: StreamHandler): Promise<void> {
    let requests = 0
    this.#streams.add(stream)
    limitLife(stream, this.#init.clock)
    const filter = filterFrames(stream, {
      maxBytes: MAX_REQUEST_BYTES,
      pass: (frame) => {
        requests += 1
        if (requests > MAX_REQUESTS) throw new RpcError('RPC_RATE_LIMITED', 'too many requests on one stream')
        this.#admit(frame, connection)
        return frame
      },
      onRefused: (error) => {
        this.#refused += 1
        if (!isPermitted(error)) this.#init.onFault(connection, error)
      }
    })
    try {
      await handler(stream, connection)
    } catch (thrown) {
      // kad-dht takes a stream that ends after its last request for one that is cut short
      if (stream.status === 'open' && stream.remoteWriteStatus === 'closed' && !filter.isMidFrame) await close(stream)
      else stream.abort(toError(thrown))
    } finally {
      this.#streams.delete(stream)
    }
  }

  #admit(frame: Uint8Array, connection: Connection): void {
    if (this.#rates.take(connection.remotePeer.toString()) > 0 || this.#totalRate.take('') > 0)
      throw new RpcError('RPC_RATE_LIMITED', 'too many requests of the DHT')
    const { type, key } = kadMessage.decode(frame)
    switch (type) {
      case KAD_TYPE.findNode:
      case KAD_TYPE.ping:
        break
      case KAD_TYPE.addProvider:
      case KAD_TYPE.getProviders:
        if (key === undefined || !bytesEqual(key, this.#init.rendezvous))
          throw unsupported('a key that is not the rendezvous')
        if (type === KAD_TYPE.addProvider) this.#init.onAnnounce(connection)
        break
      default:
        throw unsupported(`message type ${type}`)
    }
    this.#answered += 1
  }
}

/** Whether a refused request is one that a sound implementation may make. */
function isPermitted(error: Error): boolean {
  return error instanceof RpcError && (error.code === 'RPC_RATE_LIMITED' || error.code === 'RPC_UNSUPPORTED')
}

function unsupported(what: string): RpcError {
  return new RpcError('RPC_UNSUPPORTED', `a request of the DHT with ${what}`)
}

async function close(stream: Stream): Promise<void> {
  try {
    await stream.close()
  } catch (thrown) {
    stream.abort(toError(thrown))
  }
}
