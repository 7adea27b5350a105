import { type AbortOptions, type Connection, isPeerId, type PeerId, type Stream } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { DialOutcome, PeerAddresses } from '../../peers/peers.ts'
import { RateLimiter } from '../../rpc/rate-limiter.ts'
import { RpcError } from '../../rpc/rpc-error.ts'
import type { Clock } from '../../runtime/clock.ts'
import { type CleanAnswer, cleanAnswer } from './clean-answer.ts'
import { filterFrames } from './frame-filter.ts'
import { MAX_ANSWER_BYTES } from './kad-message.ts'
import type { KadPeers } from './kad-peers.ts'
import { standIn } from './stand-in.ts'
import { limitLife } from './stream-life.ts'

/** Dials of all queries, a second, and at once: a liar can name any number of peers closer than itself, at addresses of whoever it wants to be dialled. */
const DIAL_LIMIT = { perSecond: 1, burst: 60, capacity: 1 }

export interface QueryConnectionsInit {
  readonly connectionManager: ConnectionManager
  readonly clock: Clock
  readonly peers: KadPeers
  readonly dial: (peer: PeerAddresses, options: Required<AbortOptions>) => Promise<DialOutcome>
  /** Whether a peer in an answer is of no use at all: ourselves, or banned. */
  readonly isUnwanted: (peerId: PeerId) => boolean
  /** Whether a peer is left alone by queries unless it is connected. */
  readonly isSpared: (peerId: PeerId) => boolean
  /** Called with what an answer leaves. */
  readonly onAnswer: (from: PeerId, answer: CleanAnswer) => void
  /** Called with a peer that cannot be reached. */
  readonly onDead: (peerId: PeerId) => void
  /** Called for an answer that no sound implementation gives. */
  readonly onFault: (connection: Connection, error: Error) => void
}

/** The way of kad-dht's queries to other peers, and of their answers back. */
export class QueryConnections {
  readonly #init: QueryConnectionsInit
  readonly #dials: RateLimiter
  readonly #streams = new Set<Stream>()

  constructor(init: QueryConnectionsInit) {
    this.#init = init
    this.#dials = new RateLimiter({ ...DIAL_LIMIT, clock: init.clock })
  }

  readonly asConnectionManager: ConnectionManager = standIn<ConnectionManager>('connectionManager', {
    // an answer names only peers that may be dialled, once it is cleaned
    isDialable: async () => true,
    openStream: async (peer, protocol, { signal } = {}) => {
      if (!isPeerId(peer)) throw new TypeError('the DHT dials by peer ids only')
      if (signal === undefined) throw new TypeError('the DHT dials with a deadline only')
      const connection = this.#connectionTo(peer) ?? (await this.#dial(peer, signal))
      const stream = await connection.newStream(protocol, { signal })
      if (stream.status !== 'open') throw new RpcError('RPC_STREAM_TORN', 'reset at once') // nothing tells of its end any more
      this.#guard(stream, connection)
      return stream
    }
  })

  /** Resets every stream of a query. */
  stop(): void {
    for (const stream of this.#streams) stream.abort(new RpcError('RPC_UNAVAILABLE', 'the DHT is stopping'))
  }

  #connectionTo(peerId: PeerId): Connection | undefined {
    return this.#init.connectionManager.getConnections(peerId).find(({ status }) => status === 'open')
  }

  async #dial(peerId: PeerId, signal: AbortSignal): Promise<Connection> {
    const { peers, dial, isSpared, onDead } = this.#init
    if (isSpared(peerId)) throw notConnected('it is left alone')
    const addresses = peers.addressesOf(peerId)
    if (addresses.length > 0 && this.#dials.take('') > 0) throw notConnected('too many dials of queries')
    const outcome = await dial({ peerId, addresses }, { signal })
    if (outcome === 'failed' || outcome === 'no-addresses' || outcome === 'banned') onDead(peerId)
    const connection = this.#connectionTo(peerId)
    if (connection === undefined) throw notConnected(outcome)
    return connection
  }

  #guard(stream: Stream, connection: Connection): void {
    this.#streams.add(stream)
    stream.addEventListener('close', () => this.#streams.delete(stream), { once: true })
    limitLife(stream, this.#init.clock)
    let isAnswered = false
    filterFrames(stream, {
      maxBytes: MAX_ANSWER_BYTES,
      pass: (frame) => {
        if (isAnswered) throw new RpcError('RPC_UNEXPECTED_FRAME', 'a second answer')
        isAnswered = true
        return this.#take(frame, connection.remotePeer)
      },
      onRefused: (error) => this.#init.onFault(connection, error)
    })
  }

  #take(frame: Uint8Array, from: PeerId): Uint8Array {
    const { peers, isUnwanted, onAnswer } = this.#init
    const answer = cleanAnswer(frame, {
      dialable: (peerId, addresses) => peers.dialable(peerId, addresses),
      isUnwanted
    })
    for (const { peerId, addresses } of answer.closer) peers.heard(peerId, addresses)
    onAnswer(from, answer)
    return answer.frame
  }
}

function notConnected(why: string): RpcError {
  return new RpcError('RPC_NOT_CONNECTED', `not connected for a query of the DHT: ${why}`)
}
