import { AbortError, type PeerId } from '@libp2p/interface'
import type { Peers } from '../peers/peers.ts'
import type { Rpc } from '../rpc/rpc.ts'
import type { Clock } from '../runtime/clock.ts'
import { Mailbox } from '../runtime/mailbox.ts'
import { type Random, shuffled } from '../runtime/random.ts'
import { TaskGroup } from '../runtime/task-group.ts'
import { planDials } from './dial-plan.ts'
import type { DiscoveryConfig, DiscoveryEvent } from './discovery.ts'
import { Exchanges } from './exchanges.ts'
import type { InfoIntake, Received } from './info-intake.ts'
import type { KnownPeers } from './known-peers.ts'
import type { GetKnownPeersRequest } from './messages.ts'
import type { OwnInfo } from './own-info.ts'

/** What the loop is told. */
export type LoopMessage =
  | { readonly type: 'tick' }
  /** We listen on another address: at the start, after the first tick. */
  | { readonly type: 'listening' }
  | { readonly type: 'connected'; readonly peerId: PeerId }
  | { readonly type: 'disconnected'; readonly peerId: PeerId }
  /** A peer handed over infos: with its request, or in an answer that we asked for. */
  | { readonly type: 'received'; readonly received: Received; readonly isAnswer: boolean }
  /** There may be somebody new to dial. */
  | { readonly type: 'dial' }

export interface EventLoopInit {
  readonly known: KnownPeers
  readonly own: OwnInfo
  readonly intake: InfoIntake
  readonly rpc: Rpc
  readonly peers: Peers
  readonly config: DiscoveryConfig
  readonly clock: Clock
  readonly random: Random
  readonly connectedPeers: () => PeerId[]
  readonly requestFor: (peerId: PeerId) => GetKnownPeersRequest
  readonly onEvent: (event: DiscoveryEvent) => void
  readonly onFailure: (thrown: unknown) => void
}

/** Most dials from one tick to the next: an address costs nothing to invent, and whoever does must not make us dial the whole world for it. */
const DIALS_PER_TICK = 30

/**
 * The Discovery Event Loop. Whatever changes the table of known peers goes through it, one message at a time; what takes time on the network
 * (exchanges and dials) runs beside it and tells it the result. It runs once: another start takes another loop.
 */
export class EventLoop {
  readonly #init: EventLoopInit
  readonly #mailbox = new Mailbox<LoopMessage>()
  readonly #tasks: TaskGroup
  readonly #exchanges: Exchanges
  #isTickWaiting = false
  #dialsLeft = 0

  constructor(init: EventLoopInit) {
    this.#init = init
    this.#tasks = new TaskGroup(init.onFailure)
    this.#exchanges = new Exchanges({
      rpc: init.rpc,
      peers: init.peers,
      tasks: this.#tasks,
      requestFor: init.requestFor,
      onAnswer: (from, { ownInfo, knownInfos }) =>
        this.post({ type: 'received', received: { from, ownInfo, relayed: knownInfos }, isAnswer: true })
    })
  }

  get exchanges(): Exchanges['counts'] {
    return this.#exchanges.counts
  }

  /** Messages for which there was no room. */
  get dropped(): number {
    return this.#mailbox.dropped
  }

  /** Starts the loop and its ticks. */
  start(): void {
    this.#tasks.run((signal) => this.#loop(signal))
    this.#tasks.run((signal) => this.#tickAway(signal))
    for (const peerId of this.#init.connectedPeers()) this.post({ type: 'connected', peerId })
  }

  /** Ends it; resolves when nothing of it runs any more. */
  async stop(): Promise<void> {
    this.#mailbox.close()
    await this.#tasks.stop(new AbortError('discovery is stopping'))
  }

  /** Tells the loop something; false when it has no room for it, or has been stopped. */
  post(message: LoopMessage): boolean {
    return this.#mailbox.post(message)
  }

  async #tickAway(signal: AbortSignal): Promise<void> {
    while (true) {
      if (!this.#isTickWaiting) this.#isTickWaiting = this.post({ type: 'tick' })
      await this.#init.clock.sleep(this.#init.config.discoveryIntervalMs, { signal })
    }
  }

  async #loop(signal: AbortSignal): Promise<void> {
    for await (const message of this.#mailbox) {
      const mayDial = !signal.aborted && (await this.#handle(message, signal))
      if (signal.aborted) return
      if (mayDial) this.#dial()
    }
  }

  /** Works on one message, and says whether there may be somebody to dial now. */
  async #handle(message: LoopMessage, signal: AbortSignal): Promise<boolean> {
    const { intake, onEvent } = this.#init
    switch (message.type) {
      case 'tick':
        await this.#tick()
        return true
      case 'listening':
        await this.#introduceOneself()
        return false
      case 'connected':
        onEvent(message)
        this.#exchanges.ask(message.peerId)
        return false
      case 'disconnected':
        onEvent(message)
        this.#exchanges.cancel(message.peerId)
        return false
      case 'received': {
        const hasNews = await intake.take(message.received, signal)
        if (message.isAnswer) this.#exchanges.done(message.received.from)
        return hasNews
      }
      case 'dial':
        return true
    }
  }

  async #tick(): Promise<void> {
    const { own, known, peers, clock, random, config, connectedPeers } = this.#init
    this.#isTickWaiting = false
    this.#dialsLeft = DIALS_PER_TICK
    await own.renew()
    known.expire(clock.now())
    const available = connectedPeers().filter((peerId) => peers.isAvailable(peerId))
    for (const peerId of shuffled(random, available).slice(0, config.peersPerTick)) this.#exchanges.ask(peerId)
  }

  /** Those whom we asked while we had no address to give do not know us yet. */
  async #introduceOneself(): Promise<void> {
    const { own, connectedPeers } = this.#init
    const wasUnknown = own.current === undefined
    await own.renew()
    if (wasUnknown && own.current !== undefined) for (const peerId of connectedPeers()) this.#exchanges.ask(peerId)
  }

  #dial(): void {
    const { known, peers, random, config, connectedPeers } = this.#init
    const planned = planDials({
      known: known.list(),
      taken: connectedPeers().length + peers.dialling,
      target: config.targetConnections,
      random,
      canDial: ({ peerId }) => peers.canDial(peerId)
    })
    for (const peer of planned.slice(0, this.#dialsLeft)) {
      this.#dialsLeft -= 1
      this.#tasks.run(async (signal) => {
        const outcome = await peers.dial(peer, { signal })
        if (outcome === 'failed') this.post({ type: 'dial' }) // its place is free for another
      })
    }
  }
}
