import {
  type ComponentLogger,
  type Libp2pEvents,
  type Logger,
  type Metrics,
  type PeerId,
  type PeerStore,
  type PrivateKey,
  type Startable,
  serviceCapabilities,
  serviceDependencies,
  type TypedEventTarget
} from '@libp2p/interface'
import type { AddressManager, ConnectionManager, Registrar } from '@libp2p/interface-internal'
import type { Committee } from '../consensus/committee.ts'
import type { PeerAddresses, Peers } from '../peers/peers.ts'
import type { Rpc, RpcContext } from '../rpc/rpc.ts'
import { RpcError } from '../rpc/rpc-error.ts'
import { type Clock, systemClock } from '../runtime/clock.ts'
import { type Random, systemRandom } from '../runtime/random.ts'
import { toError } from '../runtime/soma-error.ts'
import { dialableAddress, parsePeerAddresses } from './addresses.ts'
import { committeePeers } from './committee-peers.ts'
import { createDht } from './dht/create-dht.ts'
import type { Dht } from './dht/dht.ts'
import { DhtFeed } from './dht-feed.ts'
import { isIsolated } from './dial-plan.ts'
import type { Discovery, DiscoveryConfig, DiscoveryEvent, DiscoveryInit, DiscoveryStatus } from './discovery.ts'
import { EventLoop, type EventLoopInit } from './event-loop.ts'
import { GoodPeerRecord } from './good-peer-record.ts'
import { InfoIntake } from './info-intake.ts'
import { KeptCommittee } from './kept-committee.ts'
import { ADDRESS_SOURCES, type AddressSource, type FixedSource, type KnownPeer, KnownPeers } from './known-peers.ts'
import type { GetKnownPeersRequest, GetKnownPeersResponse } from './messages.ts'
import type { NodeInfo } from './node-info.ts'
import { OwnInfo } from './own-info.ts'
import { answerKnownPeers, requestKnownPeers } from './peer-exchange.ts'
import { getKnownPeers } from './protocols.ts'
import { Visits } from './visits.ts'

/** The parts of libp2p that the service works with, and the services `rpc` and `peers` under these names. */
export interface DiscoveryComponents {
  readonly peerId: PeerId
  readonly privateKey: PrivateKey
  readonly connectionManager: ConnectionManager
  readonly addressManager: AddressManager
  readonly events: TypedEventTarget<Libp2pEvents>
  readonly registrar: Registrar
  readonly peerStore: PeerStore
  readonly metrics?: Metrics
  readonly logger: ComponentLogger
  readonly rpc: Rpc
  readonly peers: Peers
}

const DEFAULT_CONFIG: DiscoveryConfig = {
  targetConnections: 20,
  discoveryIntervalMs: 5_000,
  privateNetwork: false,
  peersPerTick: 5,
  maxKnownPeers: 1_000,
  committeePeers: 4
}

/**
 * The service, for `createLibp2p({ services: { rpc: rpc(...), peers: peers(...), discovery: discovery({ genesis }) } })`.
 *
 * @throws {DiscoveryError} `PEER_ADDRESS_INVALID` for a seed or configured peer that is not a multiaddr with a peer id
 */
export function discovery(init: DiscoveryInit): (components: DiscoveryComponents) => Discovery {
  const seeds = parsePeerAddresses(init.seeds ?? [])
  const configured = parsePeerAddresses(init.configured ?? [])
  return (components) => new DiscoveryService(components, init, { seeds, configured })
}

/** The libp2p service: what the event loop works on, its lifecycle, and the answers to peers, which only read. */
class DiscoveryService implements Discovery, Startable {
  readonly [Symbol.toStringTag]: string = '@soma-p2p/discovery'
  readonly [serviceCapabilities]: string[] = ['@soma-p2p/discovery']
  readonly [serviceDependencies]: string[] = ['@soma-p2p/rpc', '@soma-p2p/peers', '@libp2p/identify']

  readonly #components: DiscoveryComponents
  readonly #log: Logger
  readonly #config: DiscoveryConfig
  readonly #clock: Clock
  readonly #random: Random
  readonly #onEvent: (event: DiscoveryEvent) => void
  readonly #onFailure: (error: Error) => void
  readonly #known: KnownPeers
  readonly #committee: KeptCommittee
  readonly #goodPeers: GoodPeerRecord | undefined
  readonly #named: Map<FixedSource, readonly PeerAddresses[]>
  readonly #renamed = new Set<FixedSource>()
  readonly #own: OwnInfo
  readonly #intake: InfoIntake
  readonly #visits: Visits
  readonly #dht: (Dht & Startable) | undefined
  #answered = 0
  #isHandling = false
  #loop: EventLoop | undefined

  constructor(
    components: DiscoveryComponents,
    init: DiscoveryInit,
    { seeds, configured }: { seeds: PeerAddresses[]; configured: PeerAddresses[] }
  ) {
    const { clock = systemClock, random = systemRandom, onEvent = () => {} } = init
    const { chainId } = init.genesis
    const { peerId: self, privateKey, addressManager, peers } = components
    this.#components = components
    this.#log = components.logger.forComponent('soma-p2p:discovery')
    this.#config = { ...DEFAULT_CONFIG, ...init.config }
    this.#clock = clock
    this.#random = random
    this.#onEvent = onEvent
    this.#onFailure = init.onFailure ?? ((error) => this.#log.error('the event loop has ended - %e', error))
    const { privateNetwork, maxKnownPeers: capacity, committeePeers: count } = this.#config
    this.#known = new KnownPeers({
      capacity,
      random,
      isConnected: (peerId) => this.#isConnected(peerId),
      subnetOf: (address) => peers.subnetOf(address),
      introducerOf: (peerId) => this.#introducerOf(peerId)
    })
    this.#committee = new KeptCommittee({ self, random, count })
    this.#goodPeers =
      init.records &&
      new GoodPeerRecord({
        records: init.records,
        clock,
        onFailure: (error) => this.#log.error('good peers are not remembered - %e', error)
      })
    this.#named = new Map<FixedSource, readonly PeerAddresses[]>([
      ['seed', seeds],
      ['configured', configured],
      ['committee', committeePeers(init.committee ?? init.genesis.committee)]
    ])
    this.#intake = new InfoIntake({ chainId, self, peers, clock, privateNetwork, onEvent, known: this.#known })
    this.#own = new OwnInfo({
      peerId: self,
      privateKey,
      addressManager,
      chainId,
      clock,
      privateNetwork,
      accessType: init.accessType ?? 'public',
      capabilities: init.capabilities ?? (() => [])
    })
    this.#visits = new Visits(peers)
    this.#dht = init.dht === false ? undefined : this.#createDht(init)
  }

  async start(): Promise<void> {
    if (this.#isHandling) return
    this.#isHandling = true
    this.#components.rpc.handle(getKnownPeers, (request, context) => this.#answer(request, context))
    await this.#dht?.start()
  }

  /** Only now is every other part of libp2p ready to dial. */
  async afterStart(): Promise<void> {
    const { rpc, peers, events } = this.#components
    this.#loop = new EventLoop({
      self: this.#components.peerId,
      known: this.#known,
      own: this.#own,
      intake: this.#intake,
      committee: this.#committee,
      rpc,
      peers,
      config: this.#config,
      clock: this.#clock,
      random: this.#random,
      visits: this.#visits,
      ...(this.#goodPeers && { goodPeers: this.#goodPeers }),
      ...(this.#dht && { feed: this.#feedFrom(this.#dht) }),
      takeNamed: () => this.#takeNamed(),
      requestFor: (peerId) => this.#requestFor(peerId),
      onEvent: this.#onEvent,
      onFailure: (thrown) => this.#fail(toError(thrown))
    })
    events.addEventListener('peer:connect', this.#onConnect)
    events.addEventListener('peer:disconnect', this.#onDisconnect)
    events.addEventListener('transport:listening', this.#onListening)
    const remembered = (await this.#goodPeers?.load()) ?? []
    this.#named.set('cache', remembered)
    for (const source of this.#named.keys()) this.#renamed.add(source)
    await this.#intake.recall(remembered)
    this.#loop?.start()
  }

  async beforeStop(): Promise<void> {
    await this.#end()
  }

  async stop(): Promise<void> {
    await this.#end()
    await this.#dht?.stop()
  }

  known(): KnownPeer[] {
    return this.#known.list().filter(({ addresses }) => addresses.length > 0)
  }

  ownInfo(): NodeInfo | undefined {
    return this.#own.current
  }

  status(): DiscoveryStatus {
    const known = this.known()
    const connected = this.#components.peers.connected()
    const bySource = Object.fromEntries(ADDRESS_SOURCES.map((source) => [source, 0])) as Record<AddressSource, number>
    for (const { source } of known) bySource[source] += 1
    return {
      known: known.length,
      bySource,
      connected: connected.length,
      isIsolated: isIsolated(connected.length, this.#config.targetConnections),
      dialling: this.#components.peers.dialling,
      exchanges: this.#loop?.exchanges ?? { underWay: 0, succeeded: 0, failed: 0 },
      answered: this.#answered,
      infos: { learned: this.#intake.learned, refused: this.#intake.refused },
      ...(this.#dht && { dht: this.#dht.status() }),
      dropped: this.#loop?.dropped ?? 0
    }
  }

  setCommittee(committee: Committee): void {
    this.#name('committee', committeePeers(committee))
  }

  setConfiguredPeers(peers: readonly PeerAddresses[]): void {
    this.#name('configured', peers)
  }

  #createDht({ genesis, dht: options, accessType = 'public' }: DiscoveryInit): Dht & Startable {
    const { privateNetwork } = this.#config
    const { peers } = this.#components
    return createDht(this.#components, {
      chainId: genesis.chainId,
      mode: accessType === 'public' ? 'server' : 'client',
      addressRule: (address, subject) => dialableAddress(address, subject, privateNetwork),
      mayAnnounce: (peerId) => (this.#known.get(peerId)?.info?.accessType ?? 'public') === 'public',
      isBanned: (peerId) => peers.isBanned(peerId),
      dial: ({ peerId, addresses }, dialOptions) => {
        const known = this.#known.get(peerId)?.addresses ?? []
        return this.#visits.dial({ peerId, addresses: [...known, ...addresses] }, dialOptions)
      },
      onFault: (peerId, error) => peers.report(peerId, error, { during: 'kad' }),
      clock: this.#clock,
      random: this.#random,
      ...(typeof options === 'object' && options)
    })
  }

  #feedFrom(dht: Dht): NonNullable<EventLoopInit['feed']> {
    return ({ tasks, onFound }) =>
      new DhtFeed({
        dht,
        tasks,
        onFound,
        clock: this.#clock,
        random: this.#random,
        tickMs: this.#config.discoveryIntervalMs,
        isKnown: (peerId) => this.#known.get(peerId) !== undefined
      })
  }

  #name(source: FixedSource, peers: readonly PeerAddresses[]): void {
    this.#named.set(source, peers)
    this.#renamed.add(source)
    this.#loop?.post({ type: 'named' })
  }

  /** What was named anew. The loop takes it when it is told, and at each tick, should there have been no room to tell it. */
  #takeNamed(): [FixedSource, PeerAddresses[]][] {
    const taken = [...this.#renamed].map((source): [FixedSource, PeerAddresses[]] => {
      const peers = this.#named.get(source) ?? []
      return [source, [...peers]]
    })
    this.#renamed.clear()
    return taken
  }

  /** Whose quota an introduction is charged to: a peer's subnet, so that many peers of one are no more than one. */
  #introducerOf(peerId: PeerId): string {
    const { connectionManager, peers } = this.#components
    const [connection] = connectionManager.getConnections(peerId)
    return (connection && peers.subnetOf(connection.remoteAddr)) ?? peerId.toString()
  }

  readonly #onConnect = ({ detail: peerId }: CustomEvent<PeerId>): void => {
    this.#loop?.post({ type: 'connected', peerId })
  }

  readonly #onDisconnect = ({ detail: peerId }: CustomEvent<PeerId>): void => {
    this.#loop?.post({ type: 'disconnected', peerId })
  }

  readonly #onListening = (): void => {
    this.#loop?.post({ type: 'listening' })
  }

  async #answer(request: GetKnownPeersRequest, { peer }: RpcContext): Promise<GetKnownPeersResponse> {
    if (this.#loop === undefined) throw new RpcError('RPC_UNAVAILABLE', 'discovery is not running')
    this.#answered += 1
    const answer = answerKnownPeers(request, {
      asker: peer,
      own: this.#own.current,
      known: this.#known,
      now: this.#clock.now(),
      random: this.#random,
      isConnected: (peerId) => this.#isConnected(peerId),
      isBanned: (peerId) => this.#components.peers.isBanned(peerId)
    })
    if (request.ownInfo !== undefined) {
      // a copy: the mailbox must not keep the frame it came in
      const received = { from: peer, ownInfo: request.ownInfo.slice(), relayed: [] }
      this.#loop.post({ type: 'received', received, isAnswer: false })
    }
    return answer
  }

  #requestFor(server: PeerId): GetKnownPeersRequest {
    const now = this.#clock.now()
    return requestKnownPeers({ server, own: this.#own.current, known: this.#known, now, random: this.#random })
  }

  #isConnected(peerId: PeerId): boolean {
    return this.#components.connectionManager.getConnections(peerId).length > 0
  }

  #fail(error: Error): void {
    if (this.#loop === undefined) return
    void this.#end() // settles its own failures: every task has one handler, which is this
    this.#onFailure(error)
  }

  async #end(): Promise<void> {
    const loop = this.#loop
    this.#loop = undefined
    this.#components.events.removeEventListener('peer:connect', this.#onConnect)
    this.#components.events.removeEventListener('peer:disconnect', this.#onDisconnect)
    this.#components.events.removeEventListener('transport:listening', this.#onListening)
    await loop?.stop()
    if (loop !== undefined) this.#goodPeers?.save()
    await this.#goodPeers?.flush()
  }
}
