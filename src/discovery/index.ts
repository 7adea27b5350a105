/**
 * Finds peers: seeds to begin with, signed node infos exchanged with everyone connected, and dials up to the target.
 *
 * @example
 *
 * ```typescript
 * const gate = createPeerGate()
 * const node = await createLibp2p({
 *   connectionGater: gate.connectionGater,
 *   services: {
 *     rpc: rpc({ chainId: genesis.chainId }),
 *     peers: peers({ gate }),
 *     discovery: discovery({ genesis, seeds: ['/dns4/seed.example/tcp/4001/p2p/12D3KooW...'] })
 *   }
 * })
 * node.services.discovery.known()
 * ```
 */
export { dialableAddress, parsePeerAddresses } from './addresses.ts'
export { committeePeers } from './committee-peers.ts'
export type { DhtMode, DhtStatus } from './dht/dht.ts'
export type {
  DhtOptions,
  Discovery,
  DiscoveryConfig,
  DiscoveryEvent,
  DiscoveryInit,
  DiscoveryStatus
} from './discovery.ts'
export { DISCOVERY_CONSEQUENCES, DiscoveryError, type DiscoveryErrorCode } from './discovery-error.ts'
export type { DiscoveryComponents } from './discovery-parts.ts'
export { discovery } from './discovery-service.ts'
export type { AddressSource, KnownPeer } from './known-peer.ts'
export type { AccessType, Capability } from './messages.ts'
export type { NodeInfo } from './node-info.ts'
