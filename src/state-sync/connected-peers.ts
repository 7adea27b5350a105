import type { PeerId } from '@libp2p/interface'
import type { Clock } from '../runtime/clock.ts'
import type { PeerPolicy } from './state-sync.ts'

/** A connected peer. */
interface Connected {
  readonly peer: PeerId
  /** Whether its chain is known to be ours: before that it is asked for nothing else, and nothing that it says counts. */
  isChecked: boolean
  /** When it was last asked for its chain or heights. */
  askedAt: number
}

export interface ConnectedPeersInit {
  readonly peers: Pick<PeerPolicy, 'isAvailable'>
  readonly clock: Clock
  readonly config: { readonly heightQueryIntervalMs: number }
  /** Checks the peer's chain and asks for its heights. */
  readonly greet: (peer: PeerId) => void
  /** Asks for a peer's heights. */
  readonly queryHeight: (peer: PeerId) => void
}

/** Who is connected, whose chain is ours, and who is to be asked again for its heights. */
export class ConnectedPeers {
  readonly #init: ConnectedPeersInit
  readonly #connected = new Map<string, Connected>()

  constructor(init: ConnectedPeersInit) {
    this.#init = init
  }

  get count(): number {
    return this.#connected.size
  }

  add(peer: PeerId): void {
    const { clock, peers, greet } = this.#init
    const isAvailable = peers.isAvailable(peer) // a new connection ends no backoff
    const askedAt = isAvailable ? clock.monotonic() : Number.NEGATIVE_INFINITY
    this.#connected.set(peer.toString(), { peer, isChecked: false, askedAt })
    if (isAvailable) greet(peer)
  }

  delete(peer: PeerId): void {
    this.#connected.delete(peer.toString())
  }

  /** The peer's chain is ours. */
  check(peer: PeerId): void {
    const connected = this.#connected.get(peer.toString())
    if (connected !== undefined) connected.isChecked = true
  }

  isChecked(peer: PeerId): boolean {
    return this.#connected.get(peer.toString())?.isChecked ?? false
  }

  /** Asks everyone whose turn it is. */
  ask(): void {
    const { clock, config, peers, greet, queryHeight } = this.#init
    const now = clock.monotonic()
    for (const connected of this.#connected.values()) {
      const { peer, isChecked, askedAt } = connected
      if (now - askedAt < config.heightQueryIntervalMs || !peers.isAvailable(peer)) continue
      connected.askedAt = now
      if (isChecked) queryHeight(peer)
      else greet(peer)
    }
  }
}
