import type {
  AbortOptions,
  ComponentLogger,
  Libp2pEvents,
  Metrics,
  PeerId,
  PrivateKey,
  Startable,
  TypedEventTarget
} from '@libp2p/interface'
import { isPeerId } from '@libp2p/interface'
import type { AddressManager, ConnectionManager, Registrar } from '@libp2p/interface-internal'
import { type KadDHT, kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import type { Ping } from '@libp2p/ping'
import type { Multiaddr } from '@multiformats/multiaddr'
import { TypedEventEmitter } from 'main-event'
import type { Digest } from '../../consensus/digest.ts'
import type { DialOutcome, PeerAddresses } from '../../peers/peers.ts'
import { protocolId } from '../../rpc/protocol-id.ts'
import { type Clock, systemClock } from '../../runtime/clock.ts'
import { type Random, systemRandom } from '../../runtime/random.ts'
import type { Dht, DhtMode } from './dht.ts'
import { DhtService } from './dht-service.ts'
import { type AddressRule, KadPeers } from './kad-peers.ts'
import { ProviderRecords } from './provider-records.ts'
import { QueryConnections } from './query-connections.ts'
import { rendezvousKey } from './rendezvous.ts'
import { RequestGuard } from './request-guard.ts'
import { standIn } from './stand-in.ts'

/** The parts of libp2p that the DHT works with. */
export interface DhtComponents {
  readonly peerId: PeerId
  readonly privateKey: PrivateKey
  readonly events: TypedEventTarget<Libp2pEvents>
  readonly registrar: Registrar
  readonly connectionManager: ConnectionManager
  readonly addressManager: AddressManager
  readonly logger: ComponentLogger
  readonly metrics?: Metrics
}

/** What the DHT is made from. */
export interface DhtInit {
  readonly chainId: Digest
  /** `client` for nodes of which nobody is to know: it asks, and neither answers nor announces. */
  readonly mode: DhtMode
  /** The address by which a peer may be dialled, in the form in which it is dialled; `undefined` where the rules forbid it. */
  readonly addressRule: AddressRule
  /** Whether others may be told of a peer. */
  readonly mayAnnounce: (peerId: PeerId) => boolean
  readonly isBanned: (peerId: PeerId) => boolean
  /** The subnet of an address: so many announcements are kept of those who make them from one. @default none is counted */
  readonly subnetOf?: (address: Multiaddr) => string | undefined
  /** Dials a peer. It may know better addresses than those it is given, which are claims of others. It never rejects. */
  readonly dial: (peer: PeerAddresses, options: Required<AbortOptions>) => Promise<DialOutcome>
  /** Called for bytes that no sound implementation sends. @default nothing */
  readonly onFault?: (peerId: PeerId, error: Error) => void
  /** The libp2p protocol id. @default `/soma-p2p/<chain id>/kad/1` */
  readonly protocol?: string
  /** Milliseconds after the start until this node looks for its neighbours: until then it sends nothing by itself. @default 60000 */
  readonly firstLookMs?: number
  /** Milliseconds for a query as a whole. @default 30000 */
  readonly queryTimeoutMs?: number
  /** @default the machine's */
  readonly clock?: Clock
  /** @default the machine's */
  readonly random?: Random
}

/** The name of the protocol, after the chain. */
const PROTOCOL_NAME = 'kad'
/** Peers of a bucket, and peers that keep an announcement. */
const BUCKET_SIZE = 20

/**
 * The DHT of a chain: `@libp2p/kad-dht`, with every part of libp2p that it is given guarded. It trusts too much as it comes: it hands addresses that
 * anyone claims to libp2p, which dials them, buffers frames of any size, keeps records without a bound, and gives away the addresses of any peer.
 */
export function createDht(components: DhtComponents, init: DhtInit): Dht & Startable {
  const { peerId: self, events, logger, metrics, privateKey, registrar, connectionManager, addressManager } = components
  const { clock = systemClock, random = systemRandom, isBanned, mode } = init
  const protocol = init.protocol ?? protocolId(init.chainId, PROTOCOL_NAME)
  const rendezvous = rendezvousKey(init.chainId)
  const isUnwanted = (peerId: PeerId) => peerId.equals(self) || isBanned(peerId)
  const mayTell = (peerId: PeerId) => !isUnwanted(peerId) && init.mayAnnounce(peerId)
  const onFault = ({ remotePeer }: { remotePeer: PeerId }, error: Error) => init.onFault?.(remotePeer, error)

  const records = new ProviderRecords({ self, clock, random, mayTell, subnetOf: init.subnetOf ?? (() => undefined) })
  const peers = new KadPeers({
    protocol,
    events,
    records,
    mayTell,
    addressRule: init.addressRule,
    onClient: (peerId) => service.forget(peerId)
  })
  const requests = new RequestGuard({
    registrar,
    protocol,
    clock,
    onFault,
    rendezvous: rendezvous.multihash.bytes,
    onAnnounce: (connection) => records.announced(connection)
  })
  const ownAddresses = () => peers.dialable(self, addressManager.getAddresses())
  const queries = new QueryConnections({
    connectionManager,
    clock,
    peers,
    isUnwanted,
    onFault,
    dial: init.dial,
    isSpared: (peerId) => service.isSought(peerId),
    onAnswer: (from, answer) => service.heard(from, answer),
    onDead: (peerId) => service.forget(peerId)
  })

  /** Only peers that are connected and serve the DHT enter the routing table. Whether they are alive the connection monitor knows already. */
  const ping = async (peer: unknown): Promise<number> => {
    if (!isPeerId(peer)) throw new TypeError('the DHT pings by peer ids only')
    if (connectionManager.getConnections(peer).length === 0) throw new Error('not connected')
    if (!peers.serves(peer)) throw new Error('no server of the DHT')
    return 0
  }

  const kad: KadDHT = kadDHT({
    protocol,
    clientMode: mode === 'client',
    kBucketSize: BUCKET_SIZE,
    allowQueryWithZeroPeers: true,
    initialQuerySelfInterval: init.firstLookMs ?? 60_000,
    validators: { pk: refuseValue },
    peerInfoMapper: passthroughMapper // the parts below have applied the rules
  })({
    peerId: self,
    privateKey,
    logger,
    ...(metrics && { metrics }),
    registrar: requests.asRegistrar,
    connectionManager: queries.asConnectionManager,
    peerStore: peers.asPeerStore,
    addressManager: standIn<AddressManager>('addressManager', { getAddresses: ownAddresses }),
    datastore: records,
    events: new TypedEventEmitter<Libp2pEvents>(),
    ping: standIn<Ping>('ping', { ping })
  })

  const service: DhtService = new DhtService({
    kad,
    rendezvous,
    mode,
    records,
    peers,
    requests,
    queries,
    ownAddresses,
    logger,
    queryTimeoutMs: init.queryTimeoutMs ?? 30_000
  })
  return service
}

function refuseValue(): never {
  throw new TypeError('values are not stored')
}
