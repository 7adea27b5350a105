import type { AbortOptions, PeerId } from '@libp2p/interface'
import type { DialOutcome, PeerAddresses, Peers } from '../peers/peers.ts'

/** Most peers visited at a time: a query of the DHT asks some tens. */
const MAX_VISITS = 200

/** Peers that we dialled only to ask them something. Those that there is no place for are parted from again. */
export class Visits {
  readonly #peers: Peers
  readonly #visited = new Map<string, PeerId>()

  constructor(peers: Peers) {
    this.#peers = peers
  }

  async dial(peer: PeerAddresses, options: AbortOptions): Promise<DialOutcome> {
    if (this.#visited.size >= MAX_VISITS) return 'no-room'
    const outcome = await this.#peers.dial(peer, options)
    if (outcome === 'connected') this.#visited.set(peer.peerId.toString(), peer.peerId)
    return outcome
  }

  /** Ends the visits: the latest are parted from as far as there are more peers than wanted, the others are peers like any other. */
  end(wanted: number): void {
    const connected = this.#peers.connected()
    const visited = connected.filter(({ peerId }) => this.#visited.has(peerId.toString()))
    const surplus = Math.max(0, connected.length - wanted)
    visited.sort((a, b) => a.connectedMs - b.connectedMs)
    for (const { peerId } of visited.slice(0, surplus)) this.#peers.part(peerId)
    this.#visited.clear()
  }
}
