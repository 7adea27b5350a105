import {
  type IdentifyResult,
  type Libp2pEvents,
  NotFoundError,
  type Peer,
  type PeerData,
  type PeerId,
  type PeerStore,
  type TypedEventTarget
} from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { MAX_ADDRESSES } from '../../consensus/limits.ts'
import { BoundedMap } from '../../peers/bounded-map.ts'
import type { ProviderRecords } from './provider-records.ts'
import { standIn } from './stand-in.ts'

/** Most servers of the DHT remembered: some times as many as are connected. */
const MAX_SERVERS = 1_000
/** Most peers remembered that others told of: some walks through a large network. */
const MAX_CONTACTS = 1_000

/** The address by which a peer may be dialled, in the form in which it is dialled; `undefined` where the rules forbid it. */
export type AddressRule = (address: Multiaddr, subject: PeerId) => Multiaddr | undefined

export interface KadPeersInit {
  readonly protocol: string
  readonly events: TypedEventTarget<Libp2pEvents>
  readonly records: ProviderRecords
  readonly addressRule: AddressRule
  /** Whether a peer may be told of. */
  readonly mayTell: (peerId: PeerId) => boolean
  /** Called with a peer that serves the DHT no more. */
  readonly onClient: (peerId: PeerId) => void
}

/**
 * The peers of the DHT: those that said by identify that they serve it, those that announced themselves, and those that others told of.
 *
 * libp2p's peer store would not do: it takes whoever opens a stream of a protocol for one that serves it, and that clients do too.
 */
export class KadPeers {
  readonly #init: KadPeersInit
  readonly #servers = new BoundedMap<string, Peer>(MAX_SERVERS)
  readonly #contacts = new BoundedMap<string, readonly Multiaddr[]>(MAX_CONTACTS)

  constructor(init: KadPeersInit) {
    this.#init = init
  }

  /** What the rules leave of a peer's addresses. */
  dialable(peerId: PeerId, addresses: Iterable<Multiaddr>): Multiaddr[] {
    const result = new Map<string, Multiaddr>()
    for (const claimed of addresses) {
      const address = this.#init.addressRule(claimed, peerId)
      if (address !== undefined) result.set(address.toString(), address)
      if (result.size === MAX_ADDRESSES) break
    }
    return [...result.values()]
  }

  /** Remembers a peer that another told of, for queries that lead to it. */
  heard(peerId: PeerId, addresses: readonly Multiaddr[]): void {
    const name = peerId.toString()
    this.#contacts.set(name, this.dialable(peerId, [...addresses, ...(this.#contacts.get(name) ?? [])]))
  }

  start(): void {
    this.#init.events.addEventListener('peer:identify', this.#onIdentify)
  }

  stop(): void {
    this.#init.events.removeEventListener('peer:identify', this.#onIdentify)
  }

  /** Whether a peer is known to serve the DHT. */
  serves(peerId: PeerId): boolean {
    return this.#servers.get(peerId.toString()) !== undefined
  }

  /** Where a query may reach a peer. What it says of itself comes first. */
  addressesOf(peerId: PeerId): Multiaddr[] {
    const said = this.#find(peerId)?.addresses ?? []
    const heard = this.#contacts.get(peerId.toString()) ?? []
    return this.dialable(peerId, [...said.map(({ multiaddr }) => multiaddr), ...heard])
  }

  /**
   * The peers in the form in which kad-dht asks for them, to tell others. It gives away none that does not serve the DHT or may not be told of. It is only
   * read: kad-dht would have tags kept, by which libp2p dials again without a look at the rules.
   */
  readonly asPeerStore: PeerStore = standIn<PeerStore>('peerStore', {
    all: async () => [],
    get: async (peerId) => this.#get(peerId),
    getInfo: async (peerId) => {
      const { id, addresses } = this.#get(peerId)
      return { id, multiaddrs: addresses.map(({ multiaddr }) => multiaddr) }
    },
    merge: async (peerId, data) => this.#merge(peerId, data)
  })

  #get(peerId: PeerId): Peer {
    const found = this.#init.mayTell(peerId) ? this.#find(peerId) : undefined
    if (found === undefined) throw new NotFoundError('not a peer of the DHT')
    return found
  }

  #find(peerId: PeerId): Peer | undefined {
    const server = this.#servers.get(peerId.toString())
    const announced = this.#init.records.addressesOf(peerId)
    if (announced === undefined) return server
    const identified = server?.addresses.map(({ multiaddr }) => multiaddr) ?? []
    return peerOf(peerId, this.dialable(peerId, [...announced, ...identified]))
  }

  readonly #onIdentify = ({ detail }: CustomEvent<IdentifyResult>): void => {
    const { peerId, protocols, listenAddrs, signedPeerRecord } = detail
    const name = peerId.toString()
    if (protocols.includes(this.#init.protocol)) {
      this.#servers.set(name, peerOf(peerId, this.dialable(peerId, signedPeerRecord?.addresses ?? listenAddrs)))
    } else if (this.#servers.get(name) !== undefined) {
      this.#servers.delete(name)
      this.#init.onClient(peerId)
    }
  }

  #merge(peerId: PeerId, { multiaddrs }: PeerData): Peer {
    const addresses = this.dialable(peerId, multiaddrs ?? [])
    if (multiaddrs !== undefined) this.#init.records.setAddresses(peerId, addresses)
    return peerOf(peerId, addresses)
  }
}

function peerOf(id: PeerId, addresses: readonly Multiaddr[]): Peer {
  return {
    id,
    addresses: addresses.map((multiaddr) => ({ multiaddr, isCertified: false })),
    protocols: [],
    metadata: new Map(),
    tags: new Map()
  }
}
