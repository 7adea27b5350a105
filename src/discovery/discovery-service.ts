import { type Logger, type PeerId, type Startable, serviceCapabilities, serviceDependencies } from '@libp2p/interface'
import type { Committee } from '../consensus/committee.ts'
import type { PeerAddresses } from '../peers/peers.ts'
import { RateLimiter } from '../rpc/rate-limiter.ts'
import type { RpcContext } from '../rpc/rpc.ts'
import { RpcError } from '../rpc/rpc-error.ts'
import { toError } from '../runtime/soma-error.ts'
import { parsePeerAddresses } from './addresses.ts'
import { committeePeers } from './committee-peers.ts'
import { DhtFeed } from './dht-feed.ts'
import { companyOf, isIsolated } from './dial-plan.ts'
import type { Discovery, DiscoveryInit, DiscoveryStatus } from './discovery.ts'
import { DiscoveryMetrics } from './discovery-metrics.ts'
import { type DiscoveryComponents, type DiscoveryParts, makeParts, type OperatorsPeers } from './discovery-parts.ts'
import { EventLoop } from './event-loop.ts'
import type { EventLoopInit } from './event-loop-init.ts'
import { ADDRESS_SOURCES, type AddressSource, type KnownPeer } from './known-peer.ts'
import type { GetKnownPeersRequest, GetKnownPeersResponse } from './messages.ts'
import type { NodeInfo } from './node-info.ts'
import { answerKnownPeers, knowsMore, requestKnownPeers } from './peer-exchange.ts'
import { getKnownPeers } from './protocols.ts'

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

/** Answers to one peer from one tick to the next, and at once to one that has rested: it asks once when it connects, and at most once a tick. */
const ANSWERS_PER_TICK = 2
const ANSWERS_AT_ONCE = 10

/** The libp2p service: the lifecycle of the event loop, and the answers to peers, which only read. */
class DiscoveryService implements Discovery, Startable {
  readonly [Symbol.toStringTag]: string = '@soma-p2p/discovery'
  readonly [serviceCapabilities]: string[] = ['@soma-p2p/discovery']
  readonly [serviceDependencies]: string[] = ['@soma-p2p/rpc', '@soma-p2p/peers', '@libp2p/identify']

  readonly #components: DiscoveryComponents
  readonly #log: Logger
  readonly #init: DiscoveryInit
  readonly #parts: DiscoveryParts
  readonly #metrics: DiscoveryMetrics | undefined
  /** An answer costs some milliseconds where many peers are known, so nobody gets one without an end. */
  readonly #askers: RateLimiter
  #answered = 0
  #isHandling = false
  #loop: EventLoop | undefined

  constructor(components: DiscoveryComponents, init: DiscoveryInit, operatorsPeers: OperatorsPeers) {
    this.#components = components
    this.#log = components.logger.forComponent('soma-p2p:discovery')
    this.#init = init
    this.#parts = makeParts(components, init, operatorsPeers, this.#log)
    const { clock, config } = this.#parts
    this.#askers = new RateLimiter({
      perSecond: (ANSWERS_PER_TICK * 1_000) / config.discoveryIntervalMs,
      burst: ANSWERS_AT_ONCE,
      capacity: config.maxKnownPeers,
      clock
    })
    this.#metrics = components.metrics && new DiscoveryMetrics(components.metrics, () => this.status())
  }

  async start(): Promise<void> {
    await this.#parts.dht?.start()
    if (this.#isHandling) return
    this.#isHandling = true
    this.#components.rpc.handle(getKnownPeers, (request, context) => this.#answer(request, context))
  }

  /** Only now is every other part of libp2p ready to dial. */
  async afterStart(): Promise<void> {
    const { peerId: self, rpc, peers, events } = this.#components
    const { goodPeers, intake, named, introducers, ...parts } = this.#parts
    const loop = new EventLoop({
      ...parts,
      self,
      rpc,
      peers,
      goodPeers,
      intake,
      named,
      feed: this.#feed(),
      requestFor: (peerId) => this.#requestFor(peerId),
      onTick: () => this.#metrics?.update(),
      onEvent: (event) => this.#init.onEvent?.(event),
      onFailure: (thrown) => this.#fail(toError(thrown))
    })
    this.#loop = loop
    const remembered = await goodPeers?.load()
    if (remembered !== undefined) {
      named.set('cache', remembered)
      await intake.recall(remembered)
    }
    if (this.#loop !== loop) return
    events.addEventListener('peer:connect', this.#onConnect)
    events.addEventListener('peer:disconnect', this.#onDisconnect)
    events.addEventListener('transport:listening', this.#onListening)
    for (const { peerId } of peers.connected()) introducers.connected(peerId)
    loop.start() // it begins with those connected by now
  }

  async beforeStop(): Promise<void> {
    await this.#end()
  }

  async stop(): Promise<void> {
    await this.#end()
    await this.#parts.dht?.stop()
  }

  known(): KnownPeer[] {
    return this.#parts.known.list().filter(({ addresses }) => addresses.length > 0)
  }

  ownInfo(): NodeInfo | undefined {
    return this.#parts.own.current
  }

  status(): DiscoveryStatus {
    const { config, intake, dht, committee, goodPeers, visits } = this.#parts
    const { peers } = this.#components
    const known = this.known()
    const connected = peers.connected()
    const kept = connected.filter(({ peerId }) => committee.has(peerId)).length
    const bySource = Object.fromEntries(ADDRESS_SOURCES.map((source) => [source, 0])) as Record<AddressSource, number>
    for (const { source } of known) bySource[source] += 1
    return {
      known: known.length,
      bySource,
      connected: connected.length,
      isIsolated: isIsolated(companyOf(connected, peers), config.targetConnections),
      lacking: (this.#loop?.lacking ?? []).map(String),
      committee: { kept: committee.peers().length, connected: kept },
      goodPeers: goodPeers?.size ?? 0,
      dialling: peers.dialling,
      exchanges: this.#loop?.exchanges ?? { underWay: 0, succeeded: 0, failed: 0 },
      answered: this.#answered,
      infos: { learned: intake.learned, crowdedOut: intake.crowdedOut, refused: intake.refused },
      visits: visits.counts,
      ...(dht && { dht: dht.status() }),
      dropped: this.#loop?.dropped ?? 0
    }
  }

  setCommittee(committee: Committee): void {
    this.#parts.named.set('committee', committeePeers(committee))
    this.#loop?.post({ type: 'named' })
  }

  setConfiguredPeers(peers: readonly PeerAddresses[]): void {
    this.#parts.named.set('configured', peers)
    this.#loop?.post({ type: 'named' })
  }

  #feed(): EventLoopInit['feed'] {
    const { dht, clock, random, config, known } = this.#parts
    if (dht === undefined) return undefined
    return (loop) =>
      new DhtFeed({
        ...loop,
        dht,
        clock,
        random,
        tickMs: config.discoveryIntervalMs,
        isKnown: (peerId) => known.get(peerId) !== undefined
      })
  }

  readonly #onConnect = ({ detail: peerId }: CustomEvent<PeerId>): void => {
    this.#parts.introducers.connected(peerId)
    const isCaller = this.#components.connectionManager
      .getConnections(peerId)
      .every(({ direction }) => direction === 'inbound')
    this.#loop?.post({ type: 'connected', peerId, isCaller })
  }

  readonly #onDisconnect = ({ detail: peerId }: CustomEvent<PeerId>): void => {
    this.#loop?.post({ type: 'disconnected', peerId })
  }

  readonly #onListening = (): void => {
    this.#loop?.post({ type: 'listening' })
  }

  async #answer(request: GetKnownPeersRequest, { peer }: RpcContext): Promise<GetKnownPeersResponse> {
    if (this.#loop === undefined) throw new RpcError('RPC_UNAVAILABLE', 'discovery is not running')
    const { known, own, clock, random } = this.#parts
    const { connectionManager, peers } = this.#components
    const waitMs = this.#askers.take(peer.toString())
    if (waitMs > 0) throw new RpcError('RPC_RATE_LIMITED', 'asked too often', { retryAfterMs: waitMs })
    this.#answered += 1
    const answer = answerKnownPeers(request, {
      asker: peer,
      own: own.current,
      known,
      now: clock.now(),
      random,
      isConnected: (peerId) => connectionManager.getConnections(peerId).length > 0,
      isBanned: (peerId) => peers.isBanned(peerId)
    })
    const received = {
      from: peer,
      ownInfo: request.ownInfo?.slice(), // a copy: the mailbox must not keep the frame it came in
      relayed: []
    }
    const named = { knownPrefixes: request.knownPrefixes?.slice() }
    this.#loop.post({ type: 'asked', received, knowsMore: () => knowsMore(named, known, own.current) })
    return answer
  }

  #requestFor(server: PeerId): GetKnownPeersRequest {
    const { known, own, clock, random } = this.#parts
    return requestKnownPeers({ server, own: own.current, known, now: clock.now(), random })
  }

  #fail(error: Error): void {
    if (this.#loop === undefined) return
    void this.#end() // settles its own failures: every task has one handler, which is this
    const { onFailure } = this.#init
    if (onFailure === undefined) this.#log.error('the event loop has ended - %e', error)
    else onFailure(error)
  }

  async #end(): Promise<void> {
    const loop = this.#loop
    const { events } = this.#components
    const { goodPeers } = this.#parts
    this.#loop = undefined
    events.removeEventListener('peer:connect', this.#onConnect)
    events.removeEventListener('peer:disconnect', this.#onDisconnect)
    events.removeEventListener('transport:listening', this.#onListening)
    await loop?.stop()
    if (loop !== undefined) goodPeers?.save()
    await goodPeers?.flush()
  }
}
