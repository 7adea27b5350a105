import type { AbortOptions, PeerId } from '@libp2p/interface'
import type { PeerAddresses } from '../../peers/peers.ts'

/** A peer that the DHT told of. Its addresses are claims of others: unsigned, but dialable by our rules. */
export interface FoundPeer extends PeerAddresses {
  /** Who told of it: its quota of the table is charged. */
  readonly from: PeerId
}

/** Whether a node answers queries of the DHT, or only asks. */
export type DhtMode = 'server' | 'client'

/** Counts, for metrics and people. */
export interface DhtStatus {
  readonly mode: DhtMode
  /** Peers in the routing table. */
  readonly routingTable: number
  /** Queries that this node ran, by outcome. */
  readonly queries: { readonly succeeded: number; readonly failed: number }
  /** Requests of others, by outcome: those refused broke a limit. */
  readonly requests: { readonly answered: number; readonly refused: number }
}

/** The chain's Kademlia DHT, as discovery uses it. It dials nobody but by the `Peers` service, and only where the rules for addresses allow it. */
export interface Dht {
  /** Announces this node under the chain's rendezvous key. @returns the peers that took the announcement */
  provide(options: AbortOptions): Promise<number>
  /** Those who announced themselves under the chain's rendezvous key. It ends when the walk has converged, or the signal aborts. */
  findProviders(options: AbortOptions): AsyncIterable<FoundPeer>
  /** Addresses of one peer: each answer that names it. */
  findPeer(peerId: PeerId, options: AbortOptions): AsyncIterable<FoundPeer>
  status(): DhtStatus
}
