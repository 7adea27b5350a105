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

  /**
   * Ends visits that have lasted: a query has asked by then what it had to. Those visited stay as far as there are few others, and no further: the DHT is not to choose
   * our company.
   *
   * @param least connected peers up to which they stay
   * @param afterMs how long a visit lasts, in milliseconds
   */
  end(least: number, afterMs: number): void {
    const connected = this.#peers.connected()
    const present = new Set(connected.map(({ peerId }) => peerId.toString()))
    for (const key of this.#visited.keys()) if (!present.has(key)) this.#visited.delete(key)
    const over = connected.filter(({ peerId, connectedMs }) => {
      return connectedMs >= afterMs && this.#visited.has(peerId.toString())
    })
    over.sort((a, b) => a.connectedMs - b.connectedMs)
    const surplus = Math.max(0, connected.length - least)
    for (const { peerId } of over.slice(0, surplus)) this.#peers.part(peerId)
    for (const { peerId } of over) this.#visited.delete(peerId.toString())
  }
}
