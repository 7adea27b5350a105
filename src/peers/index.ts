/**
 * What is known of the conduct of peers: backoff, penalties and bans, how fast they deliver, and the way to dial them.
 *
 * The gate is made before libp2p, which asks it at every connection; the service decides who is banned, and disconnects.
 *
 * @example
 *
 * ```typescript
 * const gate = createPeerGate({ records: store })
 * const node = await createLibp2p({
 *   connectionGater: gate.connectionGater,
 *   services: { peers: peers({ gate }) }
 * })
 * node.services.peers.report(peerId, new RpcError('RPC_TIMEOUT', 'no answer')) // 'backoff'
 * ```
 */
export type { Ban } from './ban-table.ts'
export { type Consequence, type ConsequenceTable, consequenceOf } from './consequence.ts'
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
export { subnetOf } from './subnet.ts'
