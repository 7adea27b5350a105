import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { PeerAddresses } from '../peers/peers.ts'
import { type Random, randomInteger } from '../runtime/random.ts'
import { MAX_AGE_MS, type NodeInfo } from './node-info.ts'

/** Where addresses of a peer come from, in the order in which they are trusted and tried. */
export const ADDRESS_SOURCES = ['configured', 'committee', 'gossip', 'seed'] as const
export type AddressSource = (typeof ADDRESS_SOURCES)[number]
/** Sources that somebody sets as a whole: the operator, or the chain. */
export type FixedSource = Exclude<AddressSource, 'gossip'>

/** A peer that a node knows of, connected or not. */
export interface KnownPeer extends PeerAddresses {
  /** The most trusted source that names it. */
  readonly source: AddressSource
  /** What it says of itself; `undefined` while only its addresses are known. */
  readonly info: NodeInfo | undefined
}

export interface KnownPeersInit {
  /** Most infos. What the fixed sources name is bounded by who sets it. */
  readonly capacity: number
  readonly random: Random
  readonly isConnected: (peerId: PeerId) => boolean
}

interface Learned {
  readonly info: NodeInfo
  /** Who brought the first news of the peer: no later one can take it over, nor be blamed for it. */
  readonly introducer: string
}

/**
 * The table of known peers. Infos come one by one, the newest of a peer winning; fixed sources are set as a whole.
 *
 * When it is full, the peer that has introduced the most loses one of those, so that none can fill the table alone. Infos of connected peers and of those
 * that a fixed source names are never given up.
 */
export class KnownPeers {
  readonly #init: KnownPeersInit
  readonly #infos = new Map<string, Learned>()
  readonly #fixed: Readonly<Record<FixedSource, Map<string, PeerAddresses>>> = {
    configured: new Map(),
    committee: new Map(),
    seed: new Map()
  }

  constructor(init: KnownPeersInit) {
    this.#init = init
  }

  /** The timestamp of a peer's info. */
  newest(peerId: string): number | undefined {
    return this.#infos.get(peerId)?.info.timestampMs
  }

  /** Every info known. */
  infos(): NodeInfo[] {
    return [...this.#infos.values()].map(({ info }) => info)
  }

  isFrom(source: FixedSource, peerId: PeerId): boolean {
    return this.#fixed[source].has(peerId.toString())
  }

  get(peerId: PeerId): KnownPeer | undefined {
    const key = peerId.toString()
    const info = this.#infos.get(key)?.info
    const addresses = new Map<string, Multiaddr>()
    let first: AddressSource | undefined
    for (const source of ADDRESS_SOURCES) {
      const found = source === 'gossip' ? info : this.#fixed[source].get(key)
      if (found === undefined) continue
      first ??= source
      for (const address of found.addresses) addresses.set(address.toString(), address)
    }
    return first && { peerId, addresses: [...addresses.values()], source: first, info }
  }

  list(): KnownPeer[] {
    const peerIds = new Map<string, PeerId>()
    for (const [key, { info }] of this.#infos) peerIds.set(key, info.peerId)
    for (const peers of Object.values(this.#fixed)) for (const [key, { peerId }] of peers) peerIds.set(key, peerId)
    return [...peerIds.values()].map((peerId) => this.get(peerId)).filter((peer) => peer !== undefined)
  }

  /** Sets the peers of a source, in place of those that it had. */
  setSource(source: FixedSource, peers: readonly PeerAddresses[]): void {
    this.#fixed[source].clear()
    for (const peer of peers) this.#fixed[source].set(peer.peerId.toString(), peer)
  }

  /**
   * Takes a checked info.
   *
   * @returns `new` for the first info of a peer, `newer` in place of an older one, `old` when it changes nothing, `full` when there is no room
   */
  learn(info: NodeInfo, introducer: PeerId): 'new' | 'newer' | 'old' | 'full' {
    const key = info.peerId.toString()
    const known = this.#infos.get(key)
    if (known !== undefined && known.info.timestampMs >= info.timestampMs) return 'old'
    if (known === undefined && this.#infos.size >= this.#init.capacity && !this.#makeRoom()) return 'full'
    this.#infos.set(key, { info, introducer: known?.introducer ?? introducer.toString() })
    return known === undefined ? 'new' : 'newer'
  }

  /** Forgets infos that have become too old, unless their peers are connected. */
  expire(now: number): void {
    for (const [key, { info }] of this.#infos) {
      if (info.timestampMs < now - MAX_AGE_MS && !this.#init.isConnected(info.peerId)) this.#infos.delete(key)
    }
  }

  #makeRoom(): boolean {
    const byIntroducer = new Map<string, string[]>()
    for (const [key, { info, introducer }] of this.#infos) {
      if (this.#init.isConnected(info.peerId) || this.#isFixed(key)) continue
      const introduced = byIntroducer.get(introducer)
      if (introduced === undefined) byIntroducer.set(introducer, [key])
      else introduced.push(key)
    }
    let most: string[] = []
    for (const introduced of byIntroducer.values()) if (introduced.length > most.length) most = introduced
    const evicted = most[randomInteger(this.#init.random, most.length)]
    if (evicted === undefined) return false
    this.#infos.delete(evicted)
    return true
  }

  #isFixed(key: string): boolean {
    return Object.values(this.#fixed).some((peers) => peers.has(key))
  }
}
