import {
  type ComponentLogger,
  type Libp2pEvents,
  type Logger,
  type PeerId,
  type PrivateKey,
  type Startable,
  serviceCapabilities,
  serviceDependencies,
  type TypedEventTarget
} from '@libp2p/interface'
import type { AddressManager, ConnectionManager } from '@libp2p/interface-internal'
import type { Committee } from '../consensus/committee.ts'
import type { PeerAddresses, Peers } from '../peers/peers.ts'
import type { Rpc, RpcContext } from '../rpc/rpc.ts'
import { RpcError } from '../rpc/rpc-error.ts'
import { type Clock, systemClock } from '../runtime/clock.ts'
import { type Random, systemRandom } from '../runtime/random.ts'
import { toError } from '../runtime/soma-error.ts'
import { parsePeerAddresses } from './addresses.ts'
import { committeePeers } from './committee-peers.ts'
import type { Discovery, DiscoveryConfig, DiscoveryEvent, DiscoveryInit, DiscoveryStatus } from './discovery.ts'
import { EventLoop } from './event-loop.ts'
import { InfoIntake } from './info-intake.ts'
import { type FixedSource, type KnownPeer, KnownPeers } from './known-peers.ts'
import type { GetKnownPeersRequest, GetKnownPeersResponse } from './messages.ts'
import type { NodeInfo } from './node-info.ts'
import { OwnInfo } from './own-info.ts'
import { answerKnownPeers, knownDigest, sharedOwnInfo } from './peer-exchange.ts'
import { getKnownPeers } from './protocols.ts'

/** The parts of libp2p that the service works with, and the services `rpc` and `peers` under these names. */
export interface DiscoveryComponents {
  readonly peerId: PeerId
  readonly privateKey: PrivateKey
  readonly connectionManager: ConnectionManager
  readonly addressManager: AddressManager
  readonly events: TypedEventTarget<Libp2pEvents>
  readonly logger: ComponentLogger
  readonly rpc: Rpc
  readonly peers: Peers
}

const DEFAULT_CONFIG: DiscoveryConfig = {
  targetConnections: 20,
  discoveryIntervalMs: 5_000,
  privateNetwork: false,
  peersPerTick: 5,
  maxKnownPeers: 1_000
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
  readonly [serviceDependencies]: string[] = ['@soma-p2p/rpc', '@soma-p2p/peers']

  readonly #components: DiscoveryComponents
  readonly #log: Logger
  readonly #config: DiscoveryConfig
  readonly #clock: Clock
  readonly #random: Random
  readonly #onEvent: (event: DiscoveryEvent) => void
  readonly #onFailure: (error: Error) => void
  readonly #known: KnownPeers
  readonly #own: OwnInfo
  readonly #intake: InfoIntake
  #answered = 0
  #isHandling = false
  #loop: EventLoop | undefined

  constructor(
    components: DiscoveryComponents,
    init: DiscoveryInit,
    { seeds, configured }: { seeds: PeerAddresses[]; configured: PeerAddresses[] }
  ) {
    const { clock = systemClock, random = systemRandom, onEvent = () => {} } = init
    const { chainId, committee } = init.genesis
    const { peerId: self, privateKey, addressManager, peers } = components
    this.#components = components
    this.#log = components.logger.forComponent('soma-p2p:discovery')
    this.#config = { ...DEFAULT_CONFIG, ...init.config }
    this.#clock = clock
    this.#random = random
    this.#onEvent = onEvent
    this.#onFailure = init.onFailure ?? ((error) => this.#log.error('the event loop has ended - %e', error))
    const { privateNetwork, maxKnownPeers: capacity } = this.#config
    this.#known = new KnownPeers({ capacity, random, isConnected: (peerId) => this.#isConnected(peerId) })
    this.#setSource('seed', seeds)
    this.#setSource('configured', configured)
    this.#setSource('committee', committeePeers(committee))
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
  }

  start(): void {
    if (this.#isHandling) return
    this.#isHandling = true
    this.#components.rpc.handle(getKnownPeers, (request, context) => this.#answer(request, context))
  }

  /** Only now is every other part of libp2p ready to dial. */
  afterStart(): void {
    const { rpc, peers, events } = this.#components
    this.#loop = new EventLoop({
      known: this.#known,
      own: this.#own,
      intake: this.#intake,
      rpc,
      peers,
      config: this.#config,
      clock: this.#clock,
      random: this.#random,
      connectedPeers: () => this.#connectedPeers(),
      requestFor: (peerId) => this.#requestFor(peerId),
      onEvent: this.#onEvent,
      onFailure: (thrown) => this.#fail(toError(thrown))
    })
    events.addEventListener('peer:connect', this.#onConnect)
    events.addEventListener('peer:disconnect', this.#onDisconnect)
    events.addEventListener('transport:listening', this.#onListening)
    this.#loop.start()
  }

  async beforeStop(): Promise<void> {
    await this.#end()
  }

  async stop(): Promise<void> {
    await this.#end()
  }

  known(): KnownPeer[] {
    return this.#known.list()
  }

  ownInfo(): NodeInfo | undefined {
    return this.#own.current
  }

  status(): DiscoveryStatus {
    return {
      known: this.#known.list().length,
      connected: this.#connectedPeers().length,
      dialling: this.#components.peers.dialling,
      exchanges: this.#loop?.exchanges ?? { underWay: 0, succeeded: 0, failed: 0 },
      answered: this.#answered,
      infos: { learned: this.#intake.learned, refused: this.#intake.refused },
      dropped: this.#loop?.dropped ?? 0
    }
  }

  setCommittee(committee: Committee): void {
    this.#setSource('committee', committeePeers(committee))
  }

  setConfiguredPeers(peers: readonly PeerAddresses[]): void {
    this.#setSource('configured', peers)
  }

  #setSource(source: FixedSource, peers: readonly PeerAddresses[]): void {
    const others = peers.filter(({ peerId }) => !peerId.equals(this.#components.peerId))
    this.#known.setSource(source, others)
    this.#loop?.post({ type: 'dial' })
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

  async #answer({ ownInfo, knownDigest }: GetKnownPeersRequest, { peer }: RpcContext): Promise<GetKnownPeersResponse> {
    if (this.#loop === undefined) throw new RpcError('RPC_UNAVAILABLE', 'discovery is not running')
    this.#answered += 1
    if (ownInfo !== undefined) {
      // a copy: the mailbox must not keep the frame it came in
      const received = { from: peer, ownInfo: ownInfo.slice(), relayed: [] }
      this.#loop.post({ type: 'received', received, isAnswer: false })
    }
    return answerKnownPeers(knownDigest, {
      asker: peer,
      own: this.#own.current,
      known: this.#known,
      now: this.#clock.now(),
      random: this.#random,
      isConnected: (peerId) => this.#isConnected(peerId),
      isBanned: (peerId) => this.#components.peers.isBanned(peerId)
    })
  }

  #requestFor(peerId: PeerId): GetKnownPeersRequest {
    const own = this.#own.current
    return {
      ownInfo: sharedOwnInfo(own, this.#known.isFrom('configured', peerId)),
      knownDigest: knownDigest(this.#known.infos(), own, this.#clock.now())
    }
  }

  #isConnected(peerId: PeerId): boolean {
    return this.#components.connectionManager.getConnections(peerId).length > 0
  }

  #connectedPeers(): PeerId[] {
    const peers = new Map<string, PeerId>()
    for (const { remotePeer } of this.#components.connectionManager.getConnections()) {
      peers.set(remotePeer.toString(), remotePeer)
    }
    return [...peers.values()]
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
  }
}
