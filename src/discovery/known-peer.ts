import type { PeerAddresses } from '../peers/peers.ts'
import type { NodeInfo } from './node-info.ts'

/** Where addresses of a peer come from. */
export type AddressSource = 'configured' | 'committee' | 'gossip' | 'dht' | 'seed' | 'cache'
/** All sources, in the order in which they are trusted and tried. */
export const ADDRESS_SOURCES: readonly AddressSource[] = ['configured', 'committee', 'gossip', 'dht', 'seed', 'cache']
/** Sources that somebody sets as a whole: the operator, the chain, or ourselves before a restart. */
export type FixedSource = Exclude<AddressSource, 'gossip' | 'dht'>

/** A peer that a node knows of, connected or not. */
export interface KnownPeer extends PeerAddresses {
  /** The most trusted source that names it. */
  readonly source: AddressSource
  /** What it says of itself; `undefined` while only its addresses are known. */
  readonly info: NodeInfo | undefined
  /** Who brought the first news of it: the subnet of a peer, or its id; `undefined` for one that only fixed sources name. */
  readonly introducer: string | undefined
}
