import { setMaxListeners } from 'node:events'
import {
  type AbortOptions,
  type ComponentLogger,
  type Logger,
  NotFoundError,
  type PeerId,
  type Startable,
  start,
  stop
} from '@libp2p/interface'
import type { KadDHT, QueryEvent, RoutingTable } from '@libp2p/kad-dht'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { CID } from 'multiformats/cid'
import type { CleanAnswer } from './clean-answer.ts'
import type { Dht, DhtMode, DhtStatus, FoundPeer } from './dht.ts'
import type { KadPeers } from './kad-peers.ts'
import type { ProviderRecords } from './provider-records.ts'
import type { QueryConnections } from './query-connections.ts'
import type { RequestGuard } from './request-guard.ts'

/** The routing table of kad-dht, which its declarations show a part of. */
interface KadTable extends RoutingTable {
  remove(peerId: PeerId): Promise<void>
}

export interface DhtServiceInit {
  readonly kad: KadDHT
  readonly rendezvous: CID
  readonly mode: DhtMode
  readonly queryTimeoutMs: number
  readonly records: ProviderRecords
  readonly peers: KadPeers
  readonly requests: RequestGuard
  readonly queries: QueryConnections
  /** Where others may reach this node. */
  readonly ownAddresses: () => readonly Multiaddr[]
  readonly logger: ComponentLogger
}

/** The queries of this node, and its part in those of others from start to stop. */
export class DhtService implements Dht, Startable {
  readonly #init: DhtServiceInit
  readonly #table: KadTable
  readonly #log: Logger
  /** What answers name, for each lookup of providers under way. */
  readonly #lookups = new Set<FoundPeer[]>()
  /** Peers whose addresses are being looked for, by the number of queries. */
  readonly #sought = new Map<string, number>()
  #queries = { succeeded: 0, failed: 0 }
  #running: AbortController | undefined

  constructor(init: DhtServiceInit) {
    this.#init = init
    this.#table = tableOf(init.kad)
    this.#log = init.logger.forComponent('soma-p2p:dht')
  }

  async start(): Promise<void> {
    if (this.#running !== undefined) return
    this.#running = new AbortController()
    setMaxListeners(Number.POSITIVE_INFINITY, this.#running.signal) // one listener a query
    this.#init.peers.start()
    await start(this.#init.kad)
  }

  async stop(): Promise<void> {
    if (this.#running === undefined) return
    this.#running.abort()
    this.#running = undefined
    this.#init.peers.stop()
    await this.#init.requests.stop()
    this.#init.queries.stop()
    await stop(this.#init.kad)
    // a refresh of the routing table that this has ended sets its timer once more
    await new Promise((resolve) => setImmediate(resolve))
    await stop(this.#init.kad)
  }

  async provide(options: AbortOptions): Promise<number> {
    const { kad, rendezvous, mode, ownAddresses } = this.#init
    if (mode === 'client' || ownAddresses().length === 0) return 0
    const takers = new Set<string>()
    for await (const event of this.#query((bounded) => kad.provide(rendezvous, bounded), options)) {
      if (event.name === 'PEER_RESPONSE' && event.messageName === 'ADD_PROVIDER') takers.add(event.from.toString())
    }
    return takers.size
  }

  async *findProviders(options: AbortOptions): AsyncGenerator<FoundPeer> {
    const { kad, rendezvous, records } = this.#init
    for (const { peerId, addresses } of records.list()) yield { peerId, addresses, from: peerId }
    const found: FoundPeer[] = []
    this.#lookups.add(found)
    try {
      for await (const _ of this.#query((bounded) => kad.findProviders(rendezvous, bounded), options))
        yield* found.splice(0)
    } finally {
      this.#lookups.delete(found)
    }
    yield* found
  }

  async *findPeer(peerId: PeerId, options: AbortOptions): AsyncGenerator<FoundPeer> {
    const name = peerId.toString()
    this.#sought.set(name, (this.#sought.get(name) ?? 0) + 1)
    try {
      for await (const event of this.#query((bounded) => this.#init.kad.findPeer(peerId, bounded), options)) {
        if (event.name === 'FINAL_PEER') yield { peerId, addresses: event.peer.multiaddrs, from: event.from }
      }
    } finally {
      const queries = (this.#sought.get(name) ?? 1) - 1
      if (queries > 0) this.#sought.set(name, queries)
      else this.#sought.delete(name)
    }
  }

  status(): DhtStatus {
    const { mode, requests } = this.#init
    return { mode, routingTable: this.#table.size, queries: { ...this.#queries }, requests: requests.counts }
  }

  /** Takes what an answer names. */
  heard(from: PeerId, { providers }: CleanAnswer): void {
    for (const found of this.#lookups) for (const provider of providers) found.push({ ...provider, from })
  }

  /** Whether a peer's addresses are being looked for: the first answer would have it dialled, at addresses of a liar perhaps, and rested after that. */
  isSought(peerId: PeerId): boolean {
    return this.#sought.has(peerId.toString())
  }

  /** Takes a peer that cannot be reached out of the routing table. */
  forget(peerId: PeerId): void {
    this.#table
      .remove(peerId)
      .catch((thrown: unknown) => this.#log('%p stays in the routing table - %e', peerId, thrown))
  }

  /** Runs a query until it has converged, or has to end. */
  async *#query(
    run: (options: AbortOptions & { useCache: false }) => AsyncIterable<QueryEvent>,
    { signal: given }: AbortOptions
  ): AsyncGenerator<QueryEvent> {
    if (this.#running === undefined) return
    const signals = [this.#running.signal, AbortSignal.timeout(this.#init.queryTimeoutMs), ...(given ? [given] : [])]
    const signal = AbortSignal.any(signals)
    setMaxListeners(Number.POSITIVE_INFINITY, signal)
    let outcome: 'succeeded' | 'failed' = 'succeeded'
    try {
      if (!signal.aborted) yield* run({ signal, useCache: false })
    } catch (thrown) {
      if (thrown instanceof NotFoundError) return // nobody named the peer
      outcome = 'failed'
      if (!signal.aborted) this.#log('a query failed - %e', thrown)
    } finally {
      this.#queries[outcome] += 1
    }
  }
}

function tableOf(kad: KadDHT): KadTable {
  if ('routingTable' in kad && isTable(kad.routingTable)) return kad.routingTable
  throw new TypeError('kad-dht without a routing table')
}

function isTable(table: unknown): table is KadTable {
  return typeof table === 'object' && table !== null && 'size' in table && 'remove' in table
}
