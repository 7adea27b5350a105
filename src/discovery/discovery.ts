import type { PeerId } from '@libp2p/interface'
import type { Committee } from '../consensus/committee.ts'
import type { Genesis } from '../consensus/genesis.ts'
import type { RecordStore } from '../peers/peer-gate.ts'
import type { PeerAddresses } from '../peers/peers.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import type { DhtStatus } from './dht/dht.ts'
import type { DiscoveryErrorCode } from './discovery-error.ts'
import type { AddressSource, KnownPeer } from './known-peer.ts'
import type { AccessType, Capability } from './messages.ts'
import type { NodeInfo } from './node-info.ts'

/** What the service is made from. Only `genesis` is required. */
export interface DiscoveryInit {
  /** The chain. The addresses of its first committee are used from the start. */
  genesis: Genesis
  /** The committee of now, where the chain is past its first epoch. @default that of the genesis */
  committee?: Committee
  /** Multiaddrs, each with its peer id, of nodes to begin with, and to return to when others are lacking. @default [] */
  seeds?: readonly string[]
  /** Multiaddrs, each with its peer id, of nodes to be connected to always. They learn of trusted nodes. @default [] */
  configured?: readonly string[]
  /** Who may learn of this node. @default 'public' */
  accessType?: AccessType
  /** What this node serves. Called at every tick. @default nothing */
  capabilities?: () => readonly Capability[]
  /** The chain's Kademlia DHT: where not `false`, this node asks it, and serves it if it is public. @default true */
  dht?: boolean | DhtOptions
  /** Where good peers are kept over a restart: a `CommitStore` is one. @default nowhere */
  records?: RecordStore
  /** Timing and limits. */
  config?: Partial<DiscoveryConfig>
  /** @default the machine's */
  clock?: Clock
  /** @default the machine's */
  random?: Random
  /** Called with what happens. It must not throw. @default nobody listens */
  onEvent?: (event: DiscoveryEvent) => void
  /** Called once if the event loop ends by an error of our own: without it no peers are found any more. @default a log line */
  onFailure?: (error: Error) => void
}

/** How the DHT differs from that of the chain. */
export interface DhtOptions {
  /** Protocol id, for interoperation with other networks. @default `/soma-p2p/<chain id>/kad/1` */
  protocol?: string
}

/** Timing and limits. */
export interface DiscoveryConfig {
  /**
   * Peers to be connected to. Dialling stops there, but for configured peers and a validator's committee; half as many are dialled however many have dialled us, and
   * with less than a quarter a node is isolated: it dials its seeds and asks the DHT. @default 20
   */
  targetConnections: number
  /** Milliseconds between ticks. @default 5000 */
  discoveryIntervalMs: number
  /** Whether addresses of private ranges, loopback among them, are taken from node infos and given away in one's own. @default false */
  privateNetwork: boolean
  /** Connected peers asked from one tick to the next, one after the other, at random, nobody twice before everybody once; seeds only where others are fewer. @default 5 */
  peersPerTick: number
  /** Most node infos kept. A fifth of them may come from one introducer, a twentieth name one subnet, and a quarter as many more may come from the DHT. @default 1000 */
  maxKnownPeers: number
  /** Validators that a full node stays connected to, chosen at random. A validator stays connected to all the others, outside its target. @default 4 */
  committeePeers: number
}

/** What happens. */
export type DiscoveryEvent =
  /** A peer became known, by its first info or by the DHT. */
  | { readonly type: 'known'; readonly peerId: PeerId; readonly source: AddressSource }
  | { readonly type: 'connected'; readonly peerId: PeerId }
  | { readonly type: 'disconnected'; readonly peerId: PeerId }
  /** An info was refused, for a reason that its bearer is to blame for. */
  | { readonly type: 'refused'; readonly from: PeerId; readonly code: DiscoveryErrorCode }

/** Counts, for metrics and people. */
export interface DiscoveryStatus {
  /** Peers that an address is known of, connected or not, and of these the number by the most trusted source that names them. */
  readonly known: number
  readonly bySource: Readonly<Record<AddressSource, number>>
  readonly connected: number
  /** Whether there are too few peers. */
  readonly isIsolated: boolean
  /** Peer ids of configured peers, and of those to be kept of the committee, that no address leads to. */
  readonly lacking: readonly string[]
  /** Validators that it is to stay connected to, and those of them that it is connected to. */
  readonly committee: { readonly kept: number; readonly connected: number }
  /** Peers remembered for a restart. */
  readonly goodPeers: number
  readonly dialling: number
  /** GetKnownPeers that this node asked. */
  readonly exchanges: { readonly underWay: number; readonly succeeded: number; readonly failed: number }
  /** GetKnownPeers that this node answered. */
  readonly answered: number
  /** Infos taken, those in order for which there was no room, and those refused by the code of the reason. */
  readonly infos: {
    readonly learned: number
    readonly crowdedOut: number
    readonly refused: Readonly<Partial<Record<DiscoveryErrorCode, number>>>
  }
  /** Peers dialled for queries of the DHT only: at present, in all, and those parted from afterwards. */
  readonly visits: { readonly underWay: number; readonly begun: number; readonly parted: number }
  /** The DHT, where this node takes part in it. */
  readonly dht?: DhtStatus
  /** Messages to the event loop for which there was no room. */
  readonly dropped: number
}

/** Finds peers and connects to them. The libp2p service made by `discovery()`. */
export interface Discovery {
  /** Every peer that an address is known of, connected or not. */
  known(): KnownPeer[]
  /** What this node says of itself; `undefined` before the first tick, and while it has no address that others may dial. */
  ownInfo(): NodeInfo | undefined
  status(): DiscoveryStatus
  /** Takes the addresses of a new committee, in place of the one before. */
  setCommittee(committee: Committee): void
  /** Takes new configured peers, in place of those before. It closes no connection. */
  setConfiguredPeers(peers: readonly PeerAddresses[]): void
}
