import type { AbortOptions, Connection, PeerId } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import { PeerQueue } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Clock } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import { toError } from '../runtime/soma-error.ts'
import { Backoff } from './backoff.ts'
import { FailedDials } from './failed-dials.ts'
import type { DialOutcome, PeerAddresses } from './peers.ts'

export interface DiallerInit {
  readonly clock: Clock
  readonly random: Random
  readonly maxParallelDials: number
  /** Milliseconds for all addresses of a peer together, from the peer's turn on. */
  readonly deadlineMs: number
  /** Wait after the first failed dial, in milliseconds. */
  readonly backoffBaseMs: number
  /** Longest wait between dials to one peer, in milliseconds. */
  readonly backoffMaxMs: number
  /** An outbound connection that lived less than this, in milliseconds, counts as a failed dial. */
  readonly shortLivedMs: number
  /** Most peers whose failed dials are remembered. */
  readonly capacity: number
  readonly isBanned: (peerId: PeerId) => boolean
  /** Whether a peer may stay that is at an address. */
  readonly hasRoomFor: (peerId: PeerId, address: Multiaddr) => boolean
}

export interface DiallerComponents {
  readonly peerId: PeerId
  readonly connectionManager: ConnectionManager
}

interface Attempt {
  /** Whether we disconnected from the peer ourselves meanwhile. */
  isTurnedAway: boolean
}

/**
 * Dials peers, a few at a time: many at once on a busy machine time each other out.
 *
 * A connection that the other side closes at once, as one does that has banned us, looks like a successful dial. So a success alone does not end
 * the backoff: a connection does that has lived for a while, or over which something useful came.
 */
export class Dialler {
  readonly #init: DiallerInit
  readonly #components: DiallerComponents
  readonly #queue: PeerQueue<DialOutcome>
  readonly #backoff: Backoff
  /** The last dials that failed. */
  readonly failures: FailedDials
  /** Those of the dials under way that do not wait for their turn. */
  readonly #attempts = new Map<string, Attempt>()

  constructor(components: DiallerComponents, init: DiallerInit) {
    this.#components = components
    this.#init = init
    this.failures = new FailedDials(init.clock)
    this.#queue = new PeerQueue({ concurrency: init.maxParallelDials })
    const { clock, random, backoffBaseMs, backoffMaxMs, capacity } = init
    this.#backoff = new Backoff({ clock, random, baseMs: backoffBaseMs, maxMs: backoffMaxMs, capacity })
  }

  /** Peers being dialled, or waiting for their turn. */
  get size(): number {
    return this.#queue.size
  }

  /** Why a peer is not to be dialled now, or `undefined` when it may be. */
  refusal(peerId: PeerId): DialOutcome | undefined {
    if (this.#components.peerId.equals(peerId)) return 'self'
    if (this.#init.isBanned(peerId)) return 'banned'
    if (this.#components.connectionManager.getConnections(peerId).length > 0) return 'already-connected'
    if (this.#queue.has(peerId)) return 'already-dialling'
    if (this.#backoff.until(peerId.toString()) > 0) return 'backoff'
    return undefined
  }

  async dial(peer: PeerAddresses, options: AbortOptions & { signal: AbortSignal }): Promise<DialOutcome> {
    const refusal = this.refusal(peer.peerId)
    if (refusal !== undefined) return refusal
    if (peer.addresses.length === 0) return 'no-addresses'
    if (options.signal.aborted) return 'aborted'
    try {
      return await this.#queue.add(({ signal }) => this.#attempt(peer, signal ?? options.signal), {
        peerId: peer.peerId,
        signal: options.signal
      })
    } catch (thrown) {
      if (options.signal.aborted) return 'aborted'
      throw thrown
    }
  }

  /** Takes note that we disconnect from a peer: if it is being dialled, the dial did not fail. */
  turnedAway(peerId: PeerId): void {
    const attempt = this.#attempts.get(peerId.toString())
    if (attempt !== undefined) attempt.isTurnedAway = true
  }

  /** Takes note that a peer has delivered: however briefly its connections live, they are worth their dials. */
  delivered(peerId: PeerId): void {
    this.#backoff.succeeded(peerId.toString())
  }

  /** Takes note of a connection that somebody else closed. */
  closed(connection: Connection): void {
    const { open, close = open } = connection.timeline
    if (connection.direction !== 'outbound') return
    const key = connection.remotePeer.toString()
    if (close - open < this.#init.shortLivedMs) this.#backoff.failed(key)
    else this.#backoff.succeeded(key)
  }

  async #attempt(peer: PeerAddresses, signal: AbortSignal): Promise<DialOutcome> {
    const { connectionManager } = this.#components
    if (connectionManager.getConnections(peer.peerId).length > 0) return 'already-connected' // it dialled us meanwhile
    const key = peer.peerId.toString()
    const addresses = peer.addresses.filter((address) => this.#init.hasRoomFor(peer.peerId, address))
    if (addresses.length === 0) return 'no-room'
    const attempt: Attempt = { isTurnedAway: false }
    this.#attempts.set(key, attempt)
    const failure = await this.#connect(peer.peerId, rotated(addresses, this.#backoff.failures(key)), signal)
    // one that was aborted may end after the next to the same peer began
    if (this.#attempts.get(key) === attempt) this.#attempts.delete(key)
    if (attempt.isTurnedAway) return 'no-room'
    if (failure === undefined) return 'connected'
    if (signal.aborted) return 'aborted'
    this.failures.add(peer.peerId, addresses, failure)
    this.#backoff.failed(key)
    return 'failed'
  }

  /** @returns why it failed, for people: it makes no difference to what follows */
  async #connect(peerId: PeerId, addresses: readonly Multiaddr[], signal: AbortSignal): Promise<Error | undefined> {
    const key = peerId.toString()
    try {
      const connection = await this.#components.connectionManager.openConnection(
        addresses.map((address) => withPeerId(address, key)),
        { signal: AbortSignal.any([signal, AbortSignal.timeout(this.#init.deadlineMs)]) }
      )
      return connection.status === 'open' ? undefined : new Error('the connection was closed at once')
    } catch (thrown) {
      return toError(thrown)
    }
  }
}

/** Begins one address further with each failure: the deadline may pass before a dead first one lets the others have their turn. */
function rotated(addresses: readonly Multiaddr[], by: number): Multiaddr[] {
  const start = by % addresses.length
  return [...addresses.slice(start), ...addresses.slice(0, start)]
}

/** With the peer id at its end, an address is good for that peer only: whoever else answers is refused by the handshake. */
function withPeerId(address: Multiaddr, peerId: string): Multiaddr {
  return address.getComponents().at(-1)?.name === 'p2p' ? address : address.encapsulate(`/p2p/${peerId}`)
}
