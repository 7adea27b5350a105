import type { PeerId } from '@libp2p/interface'
import type { FoundPeer } from './dht/dht.ts'
import type { Received } from './info-intake.ts'

/** What the loop is told. */
export type LoopMessage =
  | { readonly type: 'tick' }
  /** Between ticks: it is time to ask a peer. */
  | { readonly type: 'turn' }
  /** We listen on another address: at the start, after the first tick. */
  | { readonly type: 'listening' }
  /** A peer is new. One that dialled us will ask us first. */
  | { readonly type: 'connected'; readonly peerId: PeerId; readonly isCaller: boolean }
  | { readonly type: 'disconnected'; readonly peerId: PeerId }
  /** A peer handed over infos, in an answer that we asked for. */
  | { readonly type: 'answered'; readonly received: Received }
  /** A peer asked us, and handed over its own info if it has one to give. `knowsMore` says whether it named infos that we still lack. */
  | { readonly type: 'asked'; readonly received: Received; readonly knowsMore: () => boolean }
  /** The DHT told of a peer. */
  | { readonly type: 'found'; readonly peer: FoundPeer }
  /** The operator, the chain or the record of good peers names others than before: see `NamedPeers`. */
  | { readonly type: 'named' }
  /** A dial did not succeed. */
  | { readonly type: 'undialled'; readonly peerId: PeerId; readonly isKept: boolean }
