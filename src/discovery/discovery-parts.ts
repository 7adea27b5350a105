import type {
  ComponentLogger,
  Libp2pEvents,
  Logger,
  Metrics,
  PeerId,
  PeerStore,
  PrivateKey,
  Startable,
  TypedEventTarget
} from '@libp2p/interface'
import type { AddressManager, ConnectionManager, Registrar } from '@libp2p/interface-internal'
import type { PeerAddresses, Peers } from '../peers/peers.ts'
import type { Rpc } from '../rpc/rpc.ts'
import { type Clock, systemClock } from '../runtime/clock.ts'
import { type Random, systemRandom } from '../runtime/random.ts'
import { dialableAddress } from './addresses.ts'
import { committeePeers } from './committee-peers.ts'
import { createDht } from './dht/create-dht.ts'
import type { Dht } from './dht/dht.ts'
import type { DiscoveryConfig, DiscoveryInit } from './discovery.ts'
import { GoodPeerRecord } from './good-peer-record.ts'
import { InfoIntake } from './info-intake.ts'
import { Introducers } from './introducers.ts'
import { KeptCommittee } from './kept-committee.ts'
import { KnownPeers } from './known-peers.ts'
import { NamedPeers } from './named-peers.ts'
import { OwnInfo } from './own-info.ts'
import { Visits } from './visits.ts'

/** The parts of libp2p that the service works with, and the services `rpc` and `peers` under these names. */
export interface DiscoveryComponents {
  readonly peerId: PeerId
  readonly privateKey: PrivateKey
  readonly connectionManager: ConnectionManager
  readonly addressManager: AddressManager
  readonly registrar: Registrar
  readonly peerStore: PeerStore
  readonly events: TypedEventTarget<Libp2pEvents>
  readonly metrics?: Metrics
  readonly logger: ComponentLogger
  readonly rpc: Rpc
  readonly peers: Peers
}

/** Peers that the operator named, read. */
export interface OperatorsPeers {
  readonly seeds: readonly PeerAddresses[]
  readonly configured: readonly PeerAddresses[]
}

/** What the service is put together from. */
export interface DiscoveryParts {
  readonly config: DiscoveryConfig
  readonly clock: Clock
  readonly random: Random
  readonly known: KnownPeers
  readonly named: NamedPeers
  readonly introducers: Introducers
  readonly committee: KeptCommittee
  readonly own: OwnInfo
  readonly intake: InfoIntake
  readonly visits: Visits
  readonly goodPeers: GoodPeerRecord | undefined
  readonly dht: (Dht & Startable) | undefined
}

const DEFAULT_CONFIG: DiscoveryConfig = {
  targetConnections: 20,
  discoveryIntervalMs: 5_000,
  privateNetwork: false,
  peersPerTick: 5,
  maxKnownPeers: 1_000,
  committeePeers: 4
}

/** Makes the parts. None of them does anything yet. */
export function makeParts(
  components: DiscoveryComponents,
  init: DiscoveryInit,
  { seeds, configured }: OperatorsPeers,
  log: Logger
): DiscoveryParts {
  const { clock = systemClock, random = systemRandom, accessType = 'public', onEvent = () => {} } = init
  const { peerId: self, privateKey, addressManager, connectionManager, peers } = components
  const { chainId } = init.genesis
  const config = { ...DEFAULT_CONFIG, ...init.config }
  const { privateNetwork } = config
  const named = new NamedPeers()
  named.set('seed', seeds)
  named.set('configured', configured)
  named.set('committee', committeePeers(init.committee ?? init.genesis.committee))
  const introducers = new Introducers({ connectionManager, subnetOf: (address) => peers.subnetOf(address) })
  const known = new KnownPeers({
    capacity: config.maxKnownPeers,
    random,
    isConnected: (peerId) => connectionManager.getConnections(peerId).length > 0,
    subnetOf: (address) => peers.subnetOf(address),
    introducerOf: (peerId) => introducers.nameOf(peerId)
  })
  const visits = new Visits(peers)
  return {
    config,
    clock,
    random,
    known,
    named,
    introducers,
    visits,
    committee: new KeptCommittee({ self, random, count: config.committeePeers }),
    own: new OwnInfo({
      peerId: self,
      privateKey,
      addressManager,
      chainId,
      clock,
      privateNetwork,
      accessType,
      capabilities: init.capabilities ?? (() => [])
    }),
    intake: new InfoIntake({ chainId, self, peers, clock, privateNetwork, onEvent, known }),
    goodPeers:
      init.records &&
      new GoodPeerRecord({
        records: init.records,
        clock,
        subnetOf: (peerId) => {
          const [connection] = connectionManager.getConnections(peerId)
          return connection && peers.subnetOf(connection.remoteAddr)
        },
        onFailure: (error) => log.error('good peers are not remembered - %e', error)
      }),
    dht:
      init.dht === false
        ? undefined
        : createDht(components, {
            chainId,
            mode: accessType === 'public' ? 'server' : 'client',
            addressRule: (address, subject) => dialableAddress(address, subject, privateNetwork),
            mayAnnounce: (peerId) => (known.get(peerId)?.info?.accessType ?? 'public') === 'public',
            isBanned: (peerId) => peers.isBanned(peerId),
            subnetOf: (address) => peers.subnetOf(address),
            dial: ({ peerId, addresses }, options) => {
              const better = known.get(peerId)?.addresses ?? []
              return visits.dial({ peerId, addresses: [...better, ...addresses] }, options)
            },
            onFault: (peerId, error) => peers.report(peerId, error, { during: 'kad' }),
            clock,
            random,
            ...(typeof init.dht === 'object' && init.dht)
          })
  }
}
