import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { PeerAddresses } from '../peers/peers.ts'
import type { Random } from '../runtime/random.ts'
import type { FoundPeer } from './dht/dht.ts'
import { IntroducedTable } from './introduced-table.ts'
import { ADDRESS_SOURCES, type AddressSource, type FixedSource, type KnownPeer } from './known-peer.ts'
import { MAX_AGE_MS, type NodeInfo } from './node-info.ts'
import { ToldAddresses } from './told-addresses.ts'

export interface KnownPeersInit {
  /** Most infos. What the fixed sources name is bounded by who sets it. */
  readonly capacity: number
  readonly random: Random
  readonly isConnected: (peerId: PeerId) => boolean
  /** The subnet of an address. @default none is counted */
  readonly subnetOf?: (address: Multiaddr) => string | undefined
  /** Whose quota an introduction is charged to. @default the introducer's own */
  readonly introducerOf?: (peerId: PeerId) => string
}

/** How long an address that the DHT told of is kept, in milliseconds. */
const FOUND_MAX_AGE_MS = 60 * 60_000

/** An introducer, the DHT: a part of the table. A subnet: a smaller one. */
const INTRODUCERS_SHARE = 1 / 5
const SUBNETS_SHARE = 1 / 20
const DHT_SHARE = 1 / 4

/** An info, and how we came by it. */
interface Told {
  readonly info: NodeInfo
  /** Whether the peer ever handed over an info of its own itself: it exists then. */
  readonly isMet: boolean
}

interface Found {
  readonly peerId: PeerId
  readonly told: ToldAddresses
}

/**
 * The table of known peers: signed infos, the newest of a peer winning; addresses from the DHT, which nobody signed; and fixed sources, each set as a whole.
 *
 * Infos of connected peers and of those that the operator or the chain names are never given up; those of peers that we have met not for others: whoever invents
 * peers has honest ones pass them on too, and would by their quotas push out who is there.
 */
export class KnownPeers {
  readonly #init: KnownPeersInit
  readonly #introducerOf: (peerId: PeerId) => string
  readonly #infos: IntroducedTable<Told>
  readonly #found: IntroducedTable<Found>
  readonly #fixed: Readonly<Record<FixedSource, Map<string, PeerAddresses>>> = {
    configured: new Map(),
    committee: new Map(),
    seed: new Map(),
    cache: new Map()
  }

  constructor(init: KnownPeersInit) {
    this.#init = init
    this.#introducerOf = init.introducerOf ?? String
    const subnetOf = (addresses: readonly Multiaddr[]) => addresses[0] && init.subnetOf?.(addresses[0])
    this.#infos = new IntroducedTable({
      ...quotas(init.capacity),
      random: init.random,
      subnetOf: ({ info }) => subnetOf(info.addresses),
      isProven: ({ isMet }) => isMet,
      isKept: (key) => this.#isKept(key)
    })
    this.#found = new IntroducedTable({
      ...quotas(Math.ceil(init.capacity * DHT_SHARE)),
      random: init.random,
      subnetOf: ({ told }) => subnetOf(told.addresses),
      isProven: () => false,
      isKept: () => false
    })
  }

  /** The timestamp of a peer's info. */
  newest(peerId: string): number | undefined {
    return this.#infos.get(peerId)?.value.info.timestampMs
  }

  /** Every info known. */
  infos(): NodeInfo[] {
    return Array.from(this.#infos.entries(), ([, { value }]) => value.info)
  }

  /** Whether a peer is connected, or ever handed over an info of its own itself: it exists, then. */
  isMet(peerId: PeerId): boolean {
    return this.#infos.get(peerId.toString())?.value.isMet === true || this.#init.isConnected(peerId)
  }

  isFrom(source: FixedSource, peerId: PeerId): boolean {
    return this.#fixed[source].has(peerId.toString())
  }

  /** Peers that a fixed source names. */
  from(source: FixedSource): PeerAddresses[] {
    return [...this.#fixed[source].values()]
  }

  get(peerId: PeerId): KnownPeer | undefined {
    const key = peerId.toString()
    const addresses = new Map<string, Multiaddr>()
    let first: AddressSource | undefined
    for (const source of ADDRESS_SOURCES) {
      const found = this.#addressesFrom(source, key)
      if (found === undefined) continue
      first ??= source
      for (const address of found) addresses.set(address.toString(), address)
    }
    if (first === undefined) return undefined
    const info = this.#infos.get(key)
    const introducer = info?.introducer ?? this.#found.get(key)?.introducer
    return { peerId, addresses: [...addresses.values()], source: first, info: info?.value.info, introducer }
  }

  list(): KnownPeer[] {
    const peerIds = new Map<string, PeerId>()
    for (const [key, { value }] of this.#infos.entries()) peerIds.set(key, value.info.peerId)
    for (const [key, { value }] of this.#found.entries()) peerIds.set(key, value.peerId)
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
    const known = this.#infos.get(key)?.value
    if (known !== undefined && known.info.timestampMs >= info.timestampMs) return 'old'
    const isMet = known?.isMet === true || info.peerId.equals(introducer)
    const outcome = this.#infos.set(key, { info, isMet }, this.#introducerOf(introducer))
    return outcome === 'replaced' ? 'newer' : outcome
  }

  /**
   * Takes addresses from the DHT, in place of those that the same teller told before.
   *
   * @param now wall-clock time in milliseconds
   * @returns whether the peer was unknown
   */
  find({ peerId, addresses, from }: FoundPeer, now: number): boolean {
    if (addresses.length === 0) return false
    const key = peerId.toString()
    const teller = this.#introducerOf(from)
    const isNew = this.get(peerId) === undefined
    const before = this.#found.get(key)?.value.told ?? ToldAddresses.none
    const told = before.since(now - FOUND_MAX_AGE_MS).with(teller, addresses, now)
    this.#found.set(key, { peerId, told }, teller)
    return isNew && this.get(peerId) !== undefined
  }

  /** Forgets infos that have become too old, unless their peers are connected, and what the DHT told long ago. */
  expire(now: number): void {
    for (const [key, { value }] of this.#infos.entries()) {
      const { timestampMs, peerId } = value.info
      if (timestampMs < now - MAX_AGE_MS && !this.#init.isConnected(peerId)) this.#infos.delete(key)
    }
    for (const [key, { value, introducer }] of [...this.#found.entries()]) {
      const told = value.told.since(now - FOUND_MAX_AGE_MS)
      if (told.addresses.length === 0) this.#found.delete(key)
      else if (told !== value.told) this.#found.set(key, { ...value, told }, introducer)
    }
  }

  #addressesFrom(source: AddressSource, key: string): readonly Multiaddr[] | undefined {
    if (source === 'gossip') return this.#infos.get(key)?.value.info.addresses
    if (source === 'dht') return this.#found.get(key)?.value.told.addresses
    return this.#fixed[source].get(key)?.addresses
  }

  #isKept(key: string): boolean {
    const { configured, committee, seed } = this.#fixed
    const info = this.#infos.get(key)?.value.info
    return (
      (info !== undefined && this.#init.isConnected(info.peerId)) ||
      configured.has(key) ||
      committee.has(key) ||
      seed.has(key)
    )
  }
}

function quotas(capacity: number): { capacity: number; perIntroducer: number; perSubnet: number } {
  const share = (part: number) => Math.max(1, Math.ceil(capacity * part))
  return { capacity, perIntroducer: share(INTRODUCERS_SHARE), perSubnet: share(SUBNETS_SHARE) }
}
