import {
  type AbortOptions,
  type ComponentLogger,
  type Connection,
  type Libp2pEvents,
  type Logger,
  type Metrics,
  type PeerId,
  type PeerStore,
  type Startable,
  serviceCapabilities,
  type TypedEventTarget
} from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'
import { setMaxListeners } from 'main-event'
import { toError } from '../runtime/soma-error.ts'
import type { Ban } from './ban-table.ts'
import { boundPeerIds } from './bound-peer-ids.ts'
import { ConnectionKeeper } from './connection-keeper.ts'
import type { Consequence } from './consequence.ts'
import { Dialler } from './dialler.ts'
import type { FailedDial } from './failed-dials.ts'
import { ForgottenPeers } from './forgotten-peers.ts'
import { PeerConduct } from './peer-conduct.ts'
import type { PeerGate } from './peer-gate.ts'
import { registerPeerMetrics } from './peer-metrics.ts'
import { PeerTallies } from './peer-tallies.ts'
import type {
  ConnectedPeer,
  DialOutcome,
  PeerAddresses,
  PeerCounts,
  PeerStanding,
  Peers,
  Protector,
  ReportContext
} from './peers.ts'
import { PeersError } from './peers-error.ts'
import { type PeersInit, withDefaults } from './peers-init.ts'
import { ProtectedPeers } from './protected-peers.ts'
import type { MeasuredAnswer, PeerSpeed } from './speed-meter.ts'

/** The parts of libp2p that the service works with. */
export interface PeersComponents {
  readonly peerId: PeerId
  readonly connectionManager: ConnectionManager
  readonly events: TypedEventTarget<Libp2pEvents>
  readonly peerStore: PeerStore
  readonly logger: ComponentLogger
  readonly metrics?: Metrics
}

/** The service, for `createLibp2p({ services: { peers: peers({ gate }) } })`. */
export function peers(init: PeersInit): (components: PeersComponents) => Peers {
  boundPeerIds()
  return (components) => new PeerService(components, withDefaults(init))
}

class PeerService implements Peers, Startable {
  readonly [Symbol.toStringTag]: string = '@soma-p2p/peers'
  readonly [serviceCapabilities]: string[] = ['@soma-p2p/peers']

  readonly #components: PeersComponents
  readonly #log: Logger
  readonly #init: Required<PeersInit>
  readonly #gate: PeerGate
  readonly #conduct: PeerConduct
  readonly #dialler: Dialler
  readonly #keeper: ConnectionKeeper
  readonly #forgotten: ForgottenPeers
  readonly #protected = new ProtectedPeers()
  readonly #tallies = new PeerTallies()
  #running = new AbortController()

  constructor(components: PeersComponents, init: Required<PeersInit>) {
    const { gate, maxPeers: capacity } = init
    const log = components.logger.forComponent('soma-p2p:peers')
    this.#components = components
    this.#log = log
    this.#init = init
    this.#gate = gate
    this.#conduct = new PeerConduct({
      ...init,
      log,
      isTrusted: (peerId) => init.isTrusted(peerId) || gate.isChosen(peerId),
      hasLeft: (peerId) => this.#keeper.hasLeft(peerId),
      isBanned: gate.isBanned,
      onReport: (report) => {
        this.#tallies.reports.add(report.consequence)
        init.onReport(report)
      },
      ban: (peerId, error, code) => this.#ban(peerId, init.banMs, code, error)
    })
    this.#keeper = new ConnectionKeeper({
      ...init,
      own: components.peerId,
      log,
      capacity,
      isProtected: (peerId) => this.isProtected(peerId),
      bytesPerMinute: (peerId) => this.#conduct.bytesPerMinute(peerId),
      onClosing: (connection, reason) => {
        this.#tallies.closed.add(reason)
        if (reason !== 'duplicate') this.#dialler.turnedAway(connection.remotePeer)
      }
    })
    this.#dialler = new Dialler(components, {
      ...init,
      capacity,
      deadlineMs: init.dialDeadlineMs,
      isBanned: gate.isBanned,
      hasRoomFor: (peerId, address) => this.#keeper.hasRoomFor(peerId, address)
    })
    this.#forgotten = new ForgottenPeers({
      peerStore: components.peerStore,
      events: components.events,
      log,
      capacity,
      isConnected: (peerId) => this.#keeper.isConnected(peerId)
    })
    gate.guardBy({
      isConfigured: (peerId) => this.#protected.has(peerId, 'configured'),
      hasRoomFor: (peerId, address) => this.#keeper.hasRoomFor(peerId, address),
      onRefused: (who, refusal) => {
        this.#tallies.refused.add(refusal)
        log('%s dialled us and is refused: %s', String(who), refusal)
      }
    })
    if (components.metrics !== undefined) registerPeerMetrics(components.metrics, () => this.counts(), this.#tallies)
  }

  /** Listens from here on: others of libp2p accept connections as soon as they start. */
  async beforeStart(): Promise<void> {
    await this.#gate.load()
    this.#keeper.start()
    this.#forgotten.start()
    this.#components.events.addEventListener('connection:open', this.#onOpen)
    this.#components.events.addEventListener('connection:close', this.#onClose)
  }

  start(): void {
    this.#running = new AbortController()
    setMaxListeners(Number.POSITIVE_INFINITY, this.#running.signal) // a listener for each dial, taken off at its end
  }

  async stop(): Promise<void> {
    this.#components.events.removeEventListener('connection:open', this.#onOpen)
    this.#components.events.removeEventListener('connection:close', this.#onClose)
    this.#forgotten.stop()
    this.#running.abort()
    await this.#keeper.stop()
    await this.#gate.flush()
  }

  report(peerId: PeerId, error: unknown, context: ReportContext = {}): Consequence {
    return this.#conduct.report(peerId, error, context)
  }

  delivered(peerId: PeerId, bytes: number): void {
    this.#conduct.delivered(peerId, bytes)
    this.#dialler.delivered(peerId)
  }

  measured(peerId: PeerId, answer: MeasuredAnswer): void {
    this.#conduct.measured(peerId, answer)
  }

  speed(peerId: PeerId): PeerSpeed | undefined {
    return this.#conduct.speed(peerId)
  }

  isAvailable(peerId: PeerId): boolean {
    return this.backoffUntil(peerId) === 0 && !this.isBanned(peerId)
  }

  backoffUntil(peerId: PeerId): number {
    return this.#conduct.backoffUntil(peerId)
  }

  isBanned(peerId: PeerId): boolean {
    return this.#gate.isBanned(peerId)
  }

  isProtected(peerId: PeerId): boolean {
    return this.#gate.isChosen(peerId) || this.#protected.has(peerId)
  }

  bans(): Ban[] {
    return this.#gate.listBans()
  }

  async ban(peerId: PeerId, { durationMs, reason }: { durationMs: number; reason: string }): Promise<void> {
    this.#ban(peerId, durationMs, reason, new PeersError('PEER_BANNED', `banned: ${reason}`))
    await this.#gate.flush()
  }

  async unban(peerId: PeerId): Promise<boolean> {
    const lifted = this.#gate.unban(peerId)
    this.#conduct.forgive(peerId)
    if (lifted) this.#log('%p is not banned any more', peerId)
    await this.#gate.flush()
    return lifted
  }

  isChosen(peerId: PeerId): boolean {
    return this.#gate.isChosen(peerId)
  }

  standing(peerId: PeerId): PeerStanding {
    return this.#conduct.standing(peerId)
  }

  canDial(peerId: PeerId): boolean {
    return this.#dialler.refusal(peerId) === undefined
  }

  async dial(peer: PeerAddresses, options: AbortOptions = {}): Promise<DialOutcome> {
    const running = this.#running.signal
    const signal = options.signal === undefined ? running : AbortSignal.any([running, options.signal])
    const outcome = await this.#dialler.dial(peer, { signal })
    if (outcome === 'failed') this.#forgotten.forget(peer.peerId)
    this.#tallies.dials.add(outcome)
    if (outcome === 'failed') this.#log('dial to %p: failed', peer.peerId)
    else this.#log.trace('dial to %p: %s', peer.peerId, outcome)
    return outcome
  }

  failedDials(): FailedDial[] {
    return this.#dialler.failures.list()
  }

  get dialling(): number {
    return this.#dialler.size
  }

  part(peerId: PeerId): void {
    this.#keeper.part(peerId)
  }

  connected(): ConnectedPeer[] {
    return this.#keeper.connected()
  }

  protect(protector: Protector, peerIds: Iterable<PeerId>): void {
    this.#protected.set(protector, peerIds)
    this.#keeper.enforce()
  }

  subnetOf(address: Multiaddr): string | undefined {
    return this.#init.subnetOf(address)
  }

  hasRoomAt(address: Multiaddr): boolean {
    return this.#keeper.hasRoomAt(address)
  }

  counts(): PeerCounts {
    return this.#tallies.counts(this.connected(), { dialling: this.dialling, bans: this.#gate.listBans().length })
  }

  readonly #onOpen = ({ detail: connection }: CustomEvent<Connection>): void => {
    this.#dialler.failures.forget(connection.remotePeer)
    this.#keeper.opened(connection)
  }

  readonly #onClose = ({ detail: connection }: CustomEvent<Connection>): void => {
    const isOurs = this.#keeper.closed(connection)
    this.#forgotten.forget(connection.remotePeer)
    // the end of one of two connections is no more a failure than one that we brought about
    if (!isOurs && !this.#keeper.isConnected(connection.remotePeer)) this.#dialler.closed(connection)
  }

  #ban(peerId: PeerId, durationMs: number, reason: string, error: unknown): void {
    this.#gate.ban(peerId, durationMs, reason)
    const connections = this.#components.connectionManager.getConnections(peerId)
    this.#log(
      '%p is banned for %d ms, and %d connections to it are closed: %s',
      peerId,
      durationMs,
      connections.length,
      reason
    )
    for (const connection of connections) connection.abort(toError(error))
  }
}
