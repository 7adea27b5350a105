import { NotFoundError, type Peer, type PeerData, type PeerId, type PeerStore } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { MAX_ADDRESSES } from '../../consensus/limits.ts'
import { BoundedMap } from '../../peers/bounded-map.ts'
import type { ProviderRecords } from './provider-records.ts'
import { standIn } from './stand-in.ts'

/** Most peers remembered that others told of: some walks through a large network. */
const MAX_CONTACTS = 1_000

/** The address by which a peer may be dialled, in the form in which it is dialled; `undefined` where the rules forbid it. */
export type AddressRule = (address: Multiaddr, subject: PeerId) => Multiaddr | undefined

export interface KadPeersInit {
  readonly protocol: string
  readonly peerStore: PeerStore
  readonly records: ProviderRecords
  readonly addressRule: AddressRule
  /** Whether a peer may be told of. */
  readonly mayTell: (peerId: PeerId) => boolean
}

/** The peers of the DHT: those that libp2p knows to speak its protocol, those that announced themselves, and those that others told of. */
export class KadPeers {
  readonly #init: KadPeersInit
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

  /** Whether a peer is known to serve the DHT. */
  async serves(peerId: PeerId): Promise<boolean> {
    return (await this.#stored(peerId)) !== undefined
  }

  /** Where a query may reach a peer. What it says of itself comes first. */
  async addressesOf(peerId: PeerId): Promise<Multiaddr[]> {
    const said = (await this.#find(peerId))?.addresses ?? []
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
      const { id, addresses } = await this.#get(peerId)
      return { id, multiaddrs: addresses.map(({ multiaddr }) => multiaddr) }
    },
    merge: async (peerId, data) => this.#merge(peerId, data)
  })

  async #get(peerId: PeerId): Promise<Peer> {
    const found = this.#init.mayTell(peerId) ? await this.#find(peerId) : undefined
    if (found === undefined) throw new NotFoundError('not a peer of the DHT')
    return found
  }

  async #find(peerId: PeerId): Promise<Peer | undefined> {
    const announced = this.#init.records.addressesOf(peerId)
    const stored = await this.#stored(peerId)
    if (announced === undefined && stored === undefined) return undefined
    const addresses = [...(announced ?? []), ...(stored?.addresses ?? []).map(({ multiaddr }) => multiaddr)]
    return peerOf(stored?.id ?? peerId, this.dialable(peerId, addresses))
  }

  async #stored(peerId: PeerId): Promise<Peer | undefined> {
    try {
      const peer = await this.#init.peerStore.get(peerId)
      return peer.protocols.includes(this.#init.protocol) ? peer : undefined
    } catch (thrown) {
      if (thrown instanceof NotFoundError) return undefined
      throw thrown
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
