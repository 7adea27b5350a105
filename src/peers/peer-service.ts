import {
  type AbortOptions,
  type ComponentLogger,
  type Connection,
  type Libp2pEvents,
  type Logger,
  type PeerId,
  type Startable,
  serviceCapabilities,
  type TypedEventTarget
} from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'
import { setMaxListeners } from 'main-event'
import { errorCode, SomaError, toError } from '../runtime/soma-error.ts'
import { Backoff } from './backoff.ts'
import { type Consequence, consequenceOf } from './consequence.ts'
import { DeliveryMeter } from './delivery-meter.ts'
import { Dialler } from './dialler.ts'
import type { PeerGate } from './peer-gate.ts'
import type {
  ConnectedPeer,
  DialOutcome,
  PeerAddresses,
  PeerReport,
  PeerStanding,
  Peers,
  Protector,
  ReportContext
} from './peers.ts'
import { type PeersInit, withDefaults } from './peers-init.ts'
import { PenaltyTable } from './penalty-table.ts'

/** The parts of libp2p that the service works with. */
export interface PeersComponents {
  readonly peerId: PeerId
  readonly connectionManager: ConnectionManager
  readonly events: TypedEventTarget<Libp2pEvents>
  readonly logger: ComponentLogger
}

/** The service, for `createLibp2p({ services: { peers: peers({ gate }) } })`. */
export function peers(init: PeersInit): (components: PeersComponents) => Peers {
  return (components) => new PeerService(components, withDefaults(init))
}

class PeerService implements Peers, Startable {
  readonly [Symbol.toStringTag]: string = '@soma-p2p/peers'
  readonly [serviceCapabilities]: string[] = ['@soma-p2p/peers']

  readonly #components: PeersComponents
  readonly #log: Logger
  readonly #init: Required<PeersInit>
  readonly #gate: PeerGate
  readonly #backoff: Backoff
  readonly #penalties: PenaltyTable
  readonly #meter: DeliveryMeter
  readonly #dialler: Dialler
  /** What came of each error. The same error may reach us twice, from the room that saw it and from the one that got it thrown, and counts once. */
  readonly #judged = new WeakMap<object, { readonly peer: string; readonly consequence: Consequence }>()
  readonly #protected = new Map<Protector, ReadonlySet<string>>()
  #running = new AbortController()

  constructor(components: PeersComponents, init: Required<PeersInit>) {
    const { clock, random, maxPeers: capacity } = init
    this.#components = components
    this.#log = components.logger.forComponent('soma-p2p:peers')
    this.#init = init
    this.#gate = init.gate
    this.#backoff = new Backoff({ clock, random, baseMs: init.backoffBaseMs, maxMs: init.backoffMaxMs, capacity })
    this.#penalties = new PenaltyTable({ clock, halfLifeMs: init.penaltyHalfLifeMs, capacity })
    this.#meter = new DeliveryMeter(capacity)
    this.#dialler = new Dialler(components, {
      clock,
      random,
      capacity,
      maxParallelDials: init.maxParallelDials,
      deadlineMs: init.dialDeadlineMs,
      backoffBaseMs: init.backoffBaseMs,
      backoffMaxMs: init.backoffMaxMs,
      shortLivedMs: init.shortLivedMs,
      isBanned: (peerId) => this.isBanned(peerId)
    })
  }

  async beforeStart(): Promise<void> {
    await this.#gate.load()
  }

  start(): void {
    this.#running = new AbortController()
    setMaxListeners(Number.POSITIVE_INFINITY, this.#running.signal) // a listener for each dial, taken off at its end
    this.#components.events.addEventListener('connection:close', this.#onClose)
  }

  async stop(): Promise<void> {
    this.#components.events.removeEventListener('connection:close', this.#onClose)
    this.#running.abort()
    await this.#gate.flush()
  }

  report(peerId: PeerId, error: unknown, context: ReportContext = {}): Consequence {
    const key = peerId.toString()
    const judged = error instanceof Error ? this.#judged.get(error) : undefined
    if (judged?.peer === key) return judged.consequence
    const consequence = this.#judge(peerId, error, context)
    if (error instanceof Error) this.#judged.set(error, { peer: key, consequence })
    return consequence
  }

  delivered(peerId: PeerId, bytes: number, milliseconds: number): void {
    const key = peerId.toString()
    this.#meter.add(key, bytes, milliseconds)
    this.#backoff.succeeded(key)
  }

  throughput(peerId: PeerId): number | undefined {
    return this.#meter.bytesPerSecond(peerId.toString())
  }

  isAvailable(peerId: PeerId): boolean {
    return this.backoffUntil(peerId) === 0 && !this.isBanned(peerId)
  }

  backoffUntil(peerId: PeerId): number {
    return this.#backoff.until(peerId.toString())
  }

  isBanned(peerId: PeerId): boolean {
    return this.#gate.isBanned(peerId)
  }

  standing(peerId: PeerId): PeerStanding {
    const until = this.backoffUntil(peerId)
    return {
      banned: this.isBanned(peerId),
      penalty: this.#penalties.points(peerId.toString()),
      backoffMs: until === 0 ? 0 : until - this.#init.clock.monotonic(),
      bytesPerSecond: this.throughput(peerId)
    }
  }

  canDial(peerId: PeerId): boolean {
    return this.#dialler.refusal(peerId) === undefined
  }

  async dial(peer: PeerAddresses, options: AbortOptions = {}): Promise<DialOutcome> {
    const running = this.#running.signal
    const signal = options.signal === undefined ? running : AbortSignal.any([running, options.signal])
    const outcome = await this.#dialler.dial(peer, { signal })
    this.#log.trace('dial to %p: %s', peer.peerId, outcome)
    return outcome
  }

  get dialling(): number {
    return this.#dialler.size
  }

  connected(): ConnectedPeer[] {
    const byPeer = new Map<string, Connection>()
    for (const connection of this.#components.connectionManager.getConnections()) {
      byPeer.set(connection.remotePeer.toString(), connection)
    }
    return [...byPeer.values()].map((connection) => ({
      peerId: connection.remotePeer,
      direction: connection.direction,
      address: connection.remoteAddr,
      connectedMs: Math.max(0, Date.now() - connection.timeline.open),
      bytesPerMinute: 0,
      isProtected: this.#isProtected(connection.remotePeer)
    }))
  }

  protect(protector: Protector, peerIds: Iterable<PeerId>): void {
    this.#protected.set(protector, new Set(Array.from(peerIds, String)))
  }

  subnetOf(address: Multiaddr): string | undefined {
    return this.#init.subnetOf(address)
  }

  hasRoomAt(address: Multiaddr): boolean {
    const subnet = this.subnetOf(address)
    if (subnet === undefined) return true
    const there = this.connected().filter((peer) => !peer.isProtected && this.subnetOf(peer.address) === subnet)
    return there.length < this.#init.maxPerSubnet
  }

  #isProtected(peerId: PeerId): boolean {
    return this.#gate.isChosen(peerId) || [...this.#protected.values()].some((ids) => ids.has(peerId.toString()))
  }

  readonly #onClose = (event: CustomEvent<Connection>): void => this.#dialler.closed(event.detail)

  #judge(peerId: PeerId, error: unknown, context: ReportContext): Consequence {
    const key = peerId.toString()
    const code = errorCode(error)
    let consequence = context.consequence ?? (error instanceof SomaError ? consequenceOf(code) : 'none')
    // rounded, for each has faded a little when the next comes
    if (consequence === 'penalty' && Math.round(this.#penalties.add(key)) >= this.#init.maxPenalty) {
      this.#penalties.clear(key)
      consequence = 'ban'
    }
    const spared = consequence === 'ban' && this.#init.isTrusted(peerId)
    if (spared) consequence = 'backoff'
    this.#carryOut(peerId, consequence, error, code, spared)
    this.#tell({ peerId, code, consequence, spared, during: context.during })
    return consequence
  }

  #carryOut(peerId: PeerId, consequence: Consequence, error: unknown, code: string, spared: boolean): void {
    if (consequence === 'backoff') {
      this.#backoff.failed(peerId.toString(), spared ? this.#init.backoffMaxMs : retryAfterMs(error))
    } else if (consequence === 'ban') {
      this.#gate.ban(peerId, this.#init.banMs, code)
      for (const connection of this.#components.connectionManager.getConnections(peerId)) {
        connection.abort(toError(error))
      }
    }
  }

  #tell(report: PeerReport): void {
    const { peerId, code, consequence, spared, during = 'unknown' } = report
    if (spared) this.#log.error('%p, which the operator chose, would be banned for %s during %s', peerId, code, during)
    else this.#log('%p: %s for %s during %s', peerId, consequence, code, during)
    this.#init.onReport(report)
  }
}

/** What a peer asked us to wait; every error that carries it names it so. */
function retryAfterMs(error: unknown): number {
  const wanted = error instanceof Error && 'retryAfterMs' in error ? error.retryAfterMs : undefined
  return typeof wanted === 'number' && wanted > 0 ? wanted : 0
}
