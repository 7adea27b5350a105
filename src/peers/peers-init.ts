import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { type Clock, systemClock } from '../runtime/clock.ts'
import { type Random, systemRandom } from '../runtime/random.ts'
import type { PeerGate } from './peer-gate.ts'
import type { PeerReport } from './peers.ts'
import { subnetOf } from './subnet.ts'

/** What the service is made from. Only `gate` is required. */
export interface PeersInit {
  /** The gate that libp2p was made with. */
  gate: PeerGate
  /** @default the machine's */
  clock?: Clock
  /** @default the machine's */
  random?: Random
  /** Whether the operator chose a peer (a seed or configured one): it is reported rather than banned. @default none is */
  isTrusted?: (peerId: PeerId) => boolean
  /** Called with every report that is made. It must not throw. @default nobody listens */
  onReport?: (report: PeerReport) => void
  /** How long a ban lasts, in milliseconds. @default 3600000 (an hour) */
  banMs?: number
  /** Penalty points that add up to a ban. @default 5 */
  maxPenalty?: number
  /** Milliseconds after which a penalty point counts half: above 0. @default 600000 (ten minutes) */
  penaltyHalfLifeMs?: number
  /** Wait after a first failure, in milliseconds; it doubles with each further one. For requests and for dials. @default 1000 */
  backoffBaseMs?: number
  /** Longest such wait, in milliseconds. @default 60000 */
  backoffMaxMs?: number
  /** Most peers remembered in each table; the one heard of longest ago goes first. @default 2000 */
  maxPeers?: number
  /** Peers dialled at once: 50 at once on two cores had most of them time out. @default 5 */
  maxParallelDials?: number
  /** Milliseconds for a dial, over all addresses of the peer. @default 15000 (libp2p spends up to 6000 on each) */
  dialDeadlineMs?: number
  /** An outbound connection that lived shorter than this, in milliseconds, counts as a failed dial. @default 5000 */
  shortLivedMs?: number
  /**
   * Most peers connected, at least 1: beyond it, one without protection is evicted. libp2p's own `connectionManager.maxConnections` has to be higher, so that
   * it prunes nothing. @default 100
   */
  maxConnections?: number
  /** Peers that we dialled, up to this number, that are not evicted to make room for one that dialled us. @default 10 */
  outboundReserve?: number
  /** Most peers without protection that are connected from one subnet, whoever dialled, at least 1. @default 5 */
  maxPerSubnet?: number
  /** Groups addresses into subnets; `undefined` for one that counts for none. @default /24 and /48 of public addresses, the last two labels of names */
  subnetOf?: (address: Multiaddr) => string | undefined
}

/** The same with every default filled in. */
export function withDefaults(init: PeersInit): Required<PeersInit> {
  return {
    clock: systemClock,
    random: systemRandom,
    isTrusted: () => false,
    onReport: () => {},
    banMs: 60 * 60_000,
    maxPenalty: 5,
    penaltyHalfLifeMs: 10 * 60_000,
    backoffBaseMs: 1_000,
    backoffMaxMs: 60_000,
    maxPeers: 2_000,
    maxParallelDials: 5,
    dialDeadlineMs: 15_000,
    shortLivedMs: 5_000,
    maxConnections: 100,
    outboundReserve: 10,
    maxPerSubnet: 5,
    subnetOf,
    ...init
  }
}
