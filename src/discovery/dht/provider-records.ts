import { type Connection, NotFoundError, type PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import { BaseDatastore } from 'datastore-core/base'
import type { Key, Pair, Query } from 'interface-datastore'
import { BoundedMap } from '../../peers/bounded-map.ts'
import type { Clock } from '../../runtime/clock.ts'
import { type Random, shuffled } from '../../runtime/random.ts'

/** Most records kept. */
export const MAX_PROVIDERS = 1_000
/** Most records of those who announced themselves from one subnet. */
export const MAX_PROVIDERS_OF_SUBNET: number = MAX_PROVIDERS / 20
/** Most providers of one answer: as many as a lookup of other implementations looks for. */
const MAX_LISTED = 20
/** Milliseconds that an announcement is good for: nodes repeat theirs twice as often. */
export const PROVIDER_VALIDITY_MS: number = 24 * 60 * 60 * 1_000

export interface ProviderRecordsInit {
  readonly self: PeerId
  readonly clock: Clock
  readonly random: Random
  /** Whether a peer may be told of. */
  readonly mayTell: (peerId: PeerId) => boolean
  /** The subnet of an address; `undefined` where none is counted. */
  readonly subnetOf: (address: Multiaddr) => string | undefined
}

interface ProviderRecord {
  readonly key: Key
  readonly value: Uint8Array
  readonly peerId: PeerId
  readonly storedAt: number
  readonly addresses: readonly Multiaddr[]
  /** Whose share it is part of: the subnet from which it was announced, or the peer itself. */
  readonly chargedTo: string
}

/**
 * Who announced itself at this node, in the form of a datastore, which is how kad-dht keeps them. There is only one key, the rendezvous, for requests
 * with others do not get here. Records are few, in memory, and expire; this node's own is not among them, for discovery announces it again.
 *
 * Peer ids cost nothing, so every subnet has a share: beyond it an announcement displaces the oldest of its own subnet, and when there is no room at all the
 * subnet with the most loses its oldest.
 */
export class ProviderRecords extends BaseDatastore {
  readonly #init: ProviderRecordsInit
  /** By peer id, the oldest first. */
  readonly #records = new Map<string, ProviderRecord>()
  /** Whose share the announcements of a peer are charged to, by peer id: kad-dht does not tell by which connection they came. */
  readonly #charges = new BoundedMap<string, string>(MAX_PROVIDERS)

  constructor(init: ProviderRecordsInit) {
    super()
    this.#init = init
  }

  get size(): number {
    return this.#records.size
  }

  /** Takes note that a request to announce a peer came by a connection: without one, none is kept. */
  announced({ remotePeer, remoteAddr }: Pick<Connection, 'remotePeer' | 'remoteAddr'>): void {
    const name = remotePeer.toString()
    this.#charges.set(name, this.#init.subnetOf(remoteAddr) ?? name)
  }

  /** Where a provider says that it may be reached; `undefined` for one that did not announce itself. */
  addressesOf(peerId: PeerId): readonly Multiaddr[] | undefined {
    return this.#records.get(peerId.toString())?.addresses
  }

  /** Sets where a provider may be reached. One that nobody may dial is forgotten. */
  setAddresses(peerId: PeerId, addresses: readonly Multiaddr[]): void {
    const name = peerId.toString()
    const record = this.#records.get(name)
    if (record === undefined) return
    if (addresses.length === 0) this.#records.delete(name)
    else this.#records.set(name, { ...record, addresses })
  }

  /** Some of the providers that may be told of, drawn at random. */
  list(): ProviderRecord[] {
    this.#expire()
    const listed: ProviderRecord[] = []
    for (const record of shuffled(this.#init.random, this.#records.values())) {
      if (record.addresses.length === 0 || !this.#init.mayTell(record.peerId)) continue
      if (listed.push(record) === MAX_LISTED) break
    }
    return listed
  }

  override put(key: Key, value: Uint8Array): Key {
    const name = providerOf(key)
    if (name === undefined) throw new TypeError('values are not stored')
    const peerId = peerIdFromString(name)
    const chargedTo = this.#charges.get(name)
    if (chargedTo === undefined || peerId.equals(this.#init.self)) return key
    const addresses = this.#records.get(name)?.addresses ?? []
    this.#records.delete(name)
    this.#expire()
    this.#makeRoom(chargedTo)
    this.#records.set(name, { key, value, peerId, addresses, chargedTo, storedAt: this.#init.clock.monotonic() })
    return key
  }

  override get(key: Key): Uint8Array {
    const record = this.#records.get(providerOf(key) ?? '')
    if (record === undefined) throw new NotFoundError('no such record')
    return record.value
  }

  override has(key: Key): boolean {
    return this.#records.has(providerOf(key) ?? '')
  }

  override delete(key: Key): void {
    this.#records.delete(providerOf(key) ?? '')
  }

  /**
   * The records for an answer. kad-dht gives a signal when it asks for purposes of its own: to announce again, which discovery does, and before a
   * lookup, which it would end here, without asking anyone, when 20 peers have announced themselves.
   */
  override async *query(_query: Query, options?: { signal?: AbortSignal }): AsyncGenerator<Pair> {
    if (options?.signal !== undefined) return
    for (const { key, value } of this.list()) yield { key, value }
  }

  #makeRoom(chargedTo: string): void {
    const shares = Map.groupBy(this.#records.keys(), (name) => this.#records.get(name)?.chargedTo)
    const own = shares.get(chargedTo) ?? []
    let surplus: readonly string[] = []
    if (own.length >= MAX_PROVIDERS_OF_SUBNET) surplus = own
    else if (this.#records.size >= MAX_PROVIDERS) {
      for (const share of shares.values()) if (share.length > surplus.length) surplus = share
    }
    const [oldest] = surplus
    if (oldest !== undefined) this.#records.delete(oldest)
  }

  #expire(): void {
    const earliest = this.#init.clock.monotonic() - PROVIDER_VALIDITY_MS
    for (const [name, { storedAt }] of this.#records) {
      if (storedAt >= earliest) return
      this.#records.delete(name)
    }
  }
}

/** kad-dht's keys of provider records are `/<prefix>/provider/<multihash>/<peer id>`. */
function providerOf(key: Key): string | undefined {
  const [, kind, , name, ...more] = key.list()
  return kind === 'provider' && more.length === 0 ? name : undefined
}
