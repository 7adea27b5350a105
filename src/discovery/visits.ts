import type { AbortOptions, PeerId } from '@libp2p/interface'
import type { DialOutcome, PeerAddresses, Peers } from '../peers/peers.ts'

/** Most peers visited at a time: a query of the DHT asks some tens. */
const MAX_VISITS = 200

/** Peers that we dialled only to ask them something. Those that there is no place for are parted from again. */
export class Visits {
  readonly #peers: Peers
  readonly #visited = new Map<string, PeerId>()
  #begun = 0
  #parted = 0

  constructor(peers: Peers) {
    this.#peers = peers
  }

  /** Visits under way, those begun since the process began, and those of them that ended by our parting. */
  get counts(): { underWay: number; begun: number; parted: number } {
    return { underWay: this.#visited.size, begun: this.#begun, parted: this.#parted }
  }

  async dial(peer: PeerAddresses, options: AbortOptions): Promise<DialOutcome> {
    if (this.#visited.size >= MAX_VISITS) return 'no-room'
    const outcome = await this.#peers.dial(peer, options)
    if (outcome !== 'connected') return outcome
    this.#visited.set(peer.peerId.toString(), peer.peerId)
    this.#begun += 1
    return outcome
  }

  /**
   * Ends visits that have lasted: a query has asked by then what it had to. Those visited stay as far as we have dialled few others, and no further: the DHT is not to
   * choose our company, but neither are those who dial us.
   *
   * @param least peers that we dialled, up to which those visited stay
   * @param afterMs how long a visit lasts, in milliseconds
   */
  end(least: number, afterMs: number): void {
    const connected = this.#peers.connected()
    const present = new Set(connected.map(({ peerId }) => peerId.toString()))
    for (const key of this.#visited.keys()) if (!present.has(key)) this.#visited.delete(key)
    const over = connected.filter(({ peerId, connectedMs }) => {
      return connectedMs >= afterMs && this.#visited.has(peerId.toString())
    })
    over.sort((a, b) => b.connectedMs - a.connectedMs)
    const chosen = connected.filter(({ peerId, direction }) => {
      return direction === 'outbound' && !this.#visited.has(peerId.toString())
    })
    const surplus = over.slice(Math.max(0, least - chosen.length))
    for (const { peerId } of surplus) this.#peers.part(peerId)
    this.#parted += surplus.length
    for (const { peerId } of over) this.#visited.delete(peerId.toString())
  }
}
