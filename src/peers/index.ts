/**
 * What is known of the conduct of peers: backoff, penalties and bans, how fast they deliver; the way to dial them; and the limits of connections: how many,
 * how many of a subnet, one to each peer.
 *
 * The gate is made before libp2p, which asks it at every connection; the service decides who is banned, who has to go, and disconnects. libp2p's own limit is set
 * above the service's, or libp2p would choose.
 *
 * @example
 *
 * ```typescript
 * const gate = createPeerGate({ records: store })
 * const node = await createLibp2p({
 *   connectionGater: gate.connectionGater,
 *   connectionManager: { maxConnections: 1_000 },
 *   services: { peers: peers({ gate, maxConnections: 100 }) }
 * })
 * node.services.peers.report(peerId, new RpcError('RPC_TIMEOUT', 'no answer')) // 'backoff'
 * ```
 */
export type { Ban } from './ban-table.ts'
export { type Consequence, type ConsequenceTable, consequenceOf } from './consequence.ts'
export type { FailedDial } from './failed-dials.ts'
export { isPublicAddress } from './ip-ranges.ts'
export {
  createPeerGate,
  type GateGuard,
  type InboundRefusal,
  type PeerGate,
  type PeerGateInit,
  type RecordStore
} from './peer-gate.ts'
export { type PeersComponents, peers } from './peer-service.ts'
export type { ClosedReason } from './peer-tallies.ts'
export type {
  ConnectedPeer,
  DialOutcome,
  PeerAddresses,
  PeerCounts,
  PeerReport,
  PeerStanding,
  Peers,
  Protector,
  ReportContext
} from './peers.ts'
export { PeersError, type PeersErrorCode } from './peers-error.ts'
export type { PeersInit } from './peers-init.ts'
export type { MeasuredAnswer, PeerSpeed } from './speed-meter.ts'
export { subnetOf } from './subnet.ts'
