import { AbortError, type PeerId } from '@libp2p/interface'
import { Mailbox } from '../runtime/mailbox.ts'
import { TaskGroup } from '../runtime/task-group.ts'
import { Callers } from './callers.ts'
import type { DhtFeed } from './dht-feed.ts'
import { companyOf, isIsolated, outboundShare } from './dial-plan.ts'
import type { EventLoopInit } from './event-loop-init.ts'
import { Exchanges } from './exchanges.ts'
import { goodCompany } from './good-company.ts'
import type { LoopMessage } from './loop-message.ts'
import { PeerSeeker } from './peer-seeker.ts'
import { Turns } from './turns.ts'

/** A peer dialled for a query of the DHT is parted from after so many ticks. */
const VISIT_TICKS = 2

/**
 * The Discovery Event Loop. Whatever changes the table of known peers goes through it, one message at a time; what takes time on the network
 * (exchanges, dials and lookups) runs beside it and tells it the result. It runs once: another start takes another loop.
 */
export class EventLoop {
  readonly #init: EventLoopInit
  readonly #mailbox = new Mailbox<LoopMessage>()
  readonly #tasks: TaskGroup
  readonly #exchanges: Exchanges
  readonly #feed: DhtFeed | undefined
  readonly #seeker: PeerSeeker
  readonly #turns: Turns
  readonly #callers = new Callers()
  #isTickWaiting = false
  #isTurnWaiting = false

  constructor(init: EventLoopInit) {
    this.#init = init
    this.#tasks = new TaskGroup(init.onFailure)
    this.#exchanges = new Exchanges({
      rpc: init.rpc,
      peers: init.peers,
      clock: init.clock,
      tasks: this.#tasks,
      requestFor: init.requestFor,
      onAnswer: (from, { ownInfo, knownInfos }) =>
        this.post({ type: 'answered', received: { from, ownInfo, relayed: knownInfos } })
    })
    this.#turns = new Turns({ ...init, exchanges: this.#exchanges })
    this.#seeker = new PeerSeeker({
      known: init.known,
      committee: init.committee,
      peers: init.peers,
      random: init.random,
      tasks: this.#tasks,
      targetConnections: init.config.targetConnections,
      onFailed: (peerId, isKept) => this.post({ type: 'undialled', peerId, isKept })
    })
    this.#feed = init.feed?.({ tasks: this.#tasks, onFound: (peer) => this.post({ type: 'found', peer }) })
  }

  get exchanges(): Exchanges['counts'] {
    return this.#exchanges.counts
  }

  /** Peers to be kept that no address leads to. */
  get lacking(): PeerId[] {
    return this.#seeker.lacking()
  }

  /** Messages for which there was no room. */
  get dropped(): number {
    return this.#mailbox.dropped
  }

  /** Starts the loop and its ticks. */
  start(): void {
    this.#tasks.run((signal) => this.#loop(signal))
    this.#tasks.run((signal) => this.#tickAway(signal))
    for (const { peerId } of this.#init.peers.connected()) this.post({ type: 'connected', peerId, isCaller: false })
  }

  /** Ends it; resolves when nothing of it runs any more. */
  async stop(): Promise<void> {
    this.#remember()
    this.#mailbox.close()
    await this.#tasks.stop(new AbortError('discovery is stopping'))
  }

  /** Tells the loop something; false when it has no room for it, or has been stopped. */
  post(message: LoopMessage): boolean {
    return this.#mailbox.post(message)
  }

  /** Ticks, and turns between them. */
  async #tickAway(signal: AbortSignal): Promise<void> {
    const { clock, config } = this.#init
    let nextTick = clock.monotonic()
    while (true) {
      const now = clock.monotonic()
      if (now >= nextTick - this.#turns.everyMs / 2) {
        nextTick = now + config.discoveryIntervalMs
        if (!this.#isTickWaiting) this.#isTickWaiting = this.post({ type: 'tick' })
      } else if (!this.#isTurnWaiting) this.#isTurnWaiting = this.post({ type: 'turn' })
      await clock.sleep(this.#turns.everyMs, { signal })
    }
  }

  async #loop(signal: AbortSignal): Promise<void> {
    let mayDial = false
    for await (const message of this.#mailbox) {
      if (!signal.aborted && (await this.#handle(message, signal))) mayDial = true
      if (signal.aborted) return
      // a plan looks at all known peers: one for many messages, but never put off beyond a tick
      if (!mayDial || (this.#mailbox.size > 0 && message.type !== 'tick')) continue
      this.#seeker.seek()
      mayDial = false
    }
  }

  /** Works on one message, and says whether there may be somebody to dial now. */
  async #handle(message: LoopMessage, signal: AbortSignal): Promise<boolean> {
    const { known, intake, clock, onTick, onEvent } = this.#init
    switch (message.type) {
      case 'tick':
        await this.#tick()
        onTick()
        return true
      case 'turn':
        this.#isTurnWaiting = false
        this.#askOverdue()
        this.#turns.take()
        this.#seeker.turn()
        return true
      case 'listening':
        await this.#introduceOneself()
        return false
      case 'connected':
        onEvent({ type: 'connected', peerId: message.peerId })
        this.#seeker.connected(message.peerId)
        if (message.isCaller) this.#callers.expect(message.peerId)
        else this.#askNew(message.peerId)
        return false
      case 'disconnected':
        onEvent(message)
        this.#callers.delete(message.peerId)
        this.#exchanges.cancel(message.peerId)
        return true // its place is free, or it is one to be kept
      case 'answered': {
        const { received } = message
        const hasNews = await intake.take(received, signal)
        this.#exchanges.done(received.from)
        if (hasNews) this.#turns.learned(received.from)
        return hasNews
      }
      case 'asked': {
        const { received, knowsMore } = message
        const hasNews = await intake.take(received, signal)
        if (this.#callers.delete(received.from)) {
          if (knowsMore()) this.#askNew(received.from, knowsMore)
          else this.#turns.asked(received.from)
        }
        return hasNews
      }
      case 'found': {
        const { peer } = message
        const isNew = known.find(peer, clock.now())
        if (isNew) onEvent({ type: 'known', peerId: peer.peerId, source: 'dht' })
        return true // even a known one may have got another address
      }
      case 'named':
        this.#takeNamed()
        return true
      case 'undialled':
        this.#seeker.failed(message.peerId, message.isKept)
        return true // its place is free for another
    }
  }

  /** Asks a peer at once, because it is new. */
  #askNew(peerId: PeerId, isWorthwhile?: () => boolean): void {
    this.#exchanges.ask(peerId, isWorthwhile)
    this.#turns.asked(peerId)
  }

  #askOverdue(): void {
    for (const peerId of this.#callers.overdue()) this.#askNew(peerId)
  }

  async #tick(): Promise<void> {
    const { own, known, peers, visits, clock, config } = this.#init
    this.#isTickWaiting = false
    this.#seeker.tick()
    this.#takeNamed()
    await own.renew()
    known.expire(clock.now())
    this.#callers.retain(peers.connected().map(({ peerId }) => peerId))
    this.#askOverdue()
    this.#turns.tick()
    this.#remember()
    visits.end(outboundShare(config.targetConnections), config.discoveryIntervalMs * VISIT_TICKS)
    this.#feed?.tick({
      isIsolated: isIsolated(companyOf(peers.connected(), peers), config.targetConnections),
      mayProvide: own.current?.accessType === 'public',
      lacking: this.#seeker.lacking()
    })
  }

  /** Those whom we asked while we had no address to give do not know us yet. */
  async #introduceOneself(): Promise<void> {
    const { own, peers } = this.#init
    const wasUnknown = own.current === undefined
    await own.renew()
    if (wasUnknown && own.current !== undefined) {
      for (const { peerId } of peers.connected()) this.#exchanges.ask(peerId)
    }
  }

  /** Takes note of those connected, for a restart. */
  #remember(): void {
    const { goodPeers, peers, known, clock } = this.#init
    goodPeers?.note(goodCompany(peers.connected(), known, clock.now()))
  }

  #takeNamed(): void {
    const { self, known, committee, named } = this.#init
    const taken = named.take()
    for (const [source, peers] of taken) {
      known.setSource(
        source,
        peers.filter(({ peerId }) => !peerId.equals(self))
      )
      if (source === 'committee') committee.set(peers)
    }
    if (taken.length > 0) this.#seeker.protect()
  }
}
