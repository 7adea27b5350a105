import type { Logger, PeerId } from '@libp2p/interface'
import { anySignal } from 'any-signal'
import { consequenceOf } from '../peers/consequence.ts'
import { RpcError } from '../rpc/rpc-error.ts'
import type { ByteBudget } from '../runtime/byte-budget.ts'
import type { Clock } from '../runtime/clock.ts'
import type { HealthRegistry } from '../runtime/health.ts'
import type { Mailbox } from '../runtime/mailbox.ts'
import type { Random } from '../runtime/random.ts'
import { errorCode, SomaError, toError } from '../runtime/soma-error.ts'
import type { TaskGroup } from '../runtime/task-group.ts'
import { Pace } from './pace.ts'
import { choosePeer } from './peer-balancer.ts'
import type { PeerHeights } from './peer-heights.ts'
import type { Range } from './range.ts'
import type { RangeTable } from './range-table.ts'
import { reasonToWait } from './reason-to-wait.ts'
import type { PeerPolicy, StateSyncConfig } from './state-sync.ts'
import { SyncError } from './sync-error.ts'

/** What the event loop is told. */
export type SyncMessage =
  | { readonly type: 'tick' }
  | { readonly type: 'peer-connected'; readonly peer: PeerId }
  | { readonly type: 'peer-disconnected'; readonly peer: PeerId }
  /** A peer's chain is ours. */
  | { readonly type: 'chain-checked'; readonly peer: PeerId }
  /** A peer answered to a height query. */
  | { readonly type: 'height'; readonly peer: PeerId; readonly highest: number; readonly lowest: number }
  /** A peer pushed a commit. */
  | { readonly type: 'pushed'; readonly peer: PeerId; readonly index: number; readonly lowest: number }
  | { readonly type: 'attempt-ended'; readonly attempt: Attempt; readonly error: Error | undefined }
  /** Commits were stored. */
  | { readonly type: 'stored' }

/** A connected peer. */
interface Connected {
  readonly peer: PeerId
  /** Whether its chain is known to be ours: before that it is asked for nothing else, and nothing that it says counts. */
  isChecked: boolean
  /** When it was last asked for its chain or heights. */
  askedAt: number
}

/** A range being fetched from a peer. */
interface Attempt {
  readonly range: Range
  readonly peer: PeerId
  readonly controller: AbortController
  readonly since: number
  readonly pace: Pace
  bytes: number
}

export interface SyncLoopInit {
  readonly mailbox: Mailbox<SyncMessage>
  readonly ranges: RangeTable
  readonly heights: PeerHeights
  readonly peers: PeerPolicy
  readonly tasks: TaskGroup
  readonly budget: ByteBudget
  readonly clock: Clock
  readonly random: Random
  readonly health: HealthRegistry
  readonly config: StateSyncConfig
  readonly log: Logger
  /** Fetches and verifies a range with a peer. */
  readonly attempt: (
    range: Range,
    by: { readonly peer: PeerId; readonly pace: Pace; readonly signal: AbortSignal }
  ) => Promise<void>
  /** Checks the peer's chain and asks for its heights. */
  readonly greet: (peer: PeerId) => void
  /** Asks for a peer's heights. */
  readonly queryHeight: (peer: PeerId) => void
  /** An attempt found what must halt the sync. */
  readonly onHalt: (error: SyncError) => void
  /** Offers what is new to peers that are behind. */
  readonly announce: () => void
  readonly takenUpTo: () => number
  /** The highest commit that may be planned now: the executor's lead. */
  readonly ceiling: () => number
  /** Whether the tip is left to local consensus now. */
  readonly isLeftToConsensus: () => boolean
}

/** Failures after which the same peer would give the same answer again: it does not have what it claims. */
const NOT_DELIVERED: ReadonlySet<string> = new Set(['RPC_NOT_FOUND', 'COMMITS_EMPTY', 'BLOCKS_MISSING'])
/** A range rests so long after it failed with the only peer that has it, or by a fault that no peer is to blame for. */
const RETRY_MS = 1_000
/** Who delivers less is as good as silent: a hundredth of what a home connection brings. */
const LEAST_BYTES_PER_SECOND = 16 * 1024
/** And so is who delivers less than such a part of what another does. */
const LEAST_SHARE = 1 / 16

/**
 * The one event loop of state sync (seed: StateSyncEventLoop). It alone changes heights, ranges and attempts, one message at a time; what takes
 * long runs in tasks that report back by message.
 */
export class SyncLoop {
  readonly #init: SyncLoopInit
  readonly #connected = new Map<string, Connected>()
  readonly #attempts = new Map<Range, Attempt>()
  #halted: Error | undefined
  /** How far the chain had come at last sight, and since when. */
  #seenUpTo = 0
  #movedAt = Number.NEGATIVE_INFINITY

  constructor(init: SyncLoopInit) {
    this.#init = init
  }

  /** Why the sync has halted, if it has. */
  get halted(): Error | undefined {
    return this.#halted
  }

  /** Runs until the mailbox is closed. */
  async run(): Promise<void> {
    for await (const message of this.#init.mailbox) {
      this.#handle(message)
      if (this.#init.mailbox.size === 0) this.#schedule()
    }
  }

  /** Stops fetching for good: the operator has to look. What is stored is still served, and local consensus goes on. */
  halt(error: Error): void {
    if (this.#halted !== undefined) return
    this.#halted = error
    this.#init.health.set('state-sync', { state: 'failed', reason: `halted, ${errorCode(error)}: ${error.message}` })
    this.#init.log.error('halted: %s', error.message)
    for (const attempt of this.#attempts.values()) attempt.controller.abort(error)
  }

  /** Bytes for a range were let in. */
  progressed(range: Range, bytes: number): void {
    const attempt = this.#attempts.get(range)
    if (attempt !== undefined) attempt.bytes += bytes
  }

  #handle(message: SyncMessage): void {
    const { heights } = this.#init
    switch (message.type) {
      case 'tick':
        this.#tick()
        break
      case 'peer-connected':
        this.#connect(message.peer)
        break
      case 'peer-disconnected':
        this.#connected.delete(message.peer.toString())
        heights.forget(message.peer)
        break
      case 'chain-checked': {
        const connected = this.#connected.get(message.peer.toString())
        if (connected !== undefined) connected.isChecked = true
        break
      }
      case 'height':
        if (this.#isChecked(message.peer)) heights.claim(message.peer, message.highest, message.lowest)
        break
      case 'pushed':
        if (this.#isChecked(message.peer)) heights.reached(message.peer, message.index, message.lowest)
        break
      case 'attempt-ended':
        this.#attemptEnded(message.attempt, message.error)
        break
      case 'stored':
        this.#init.announce()
        break
      default:
        message satisfies never
    }
  }

  #connect(peer: PeerId): void {
    const { clock, peers, greet } = this.#init
    const isAvailable = peers.isAvailable(peer) // a new connection ends no backoff
    const askedAt = isAvailable ? clock.monotonic() : Number.NEGATIVE_INFINITY
    this.#connected.set(peer.toString(), { peer, isChecked: false, askedAt })
    if (isAvailable) greet(peer)
  }

  #isChecked(peer: PeerId): boolean {
    return this.#connected.get(peer.toString())?.isChecked ?? false
  }

  #tick(): void {
    const { clock, config, peers, greet, queryHeight } = this.#init
    const now = clock.monotonic()
    for (const connected of this.#connected.values()) {
      const { peer, isChecked, askedAt } = connected
      if (now - askedAt < config.heightQueryIntervalMs || !peers.isAvailable(peer)) continue
      connected.askedAt = now
      if (isChecked) queryHeight(peer)
      else greet(peer)
    }
    this.#loseTurnIfSlow()
  }

  /** Everything waits for the lowest range: when its peer is silent or slow and another has it, the other is asked. */
  #loseTurnIfSlow(): void {
    const { ranges, config } = this.#init
    const attempt = ranges.lowest === undefined ? undefined : this.#attempts.get(ranges.lowest)
    if (attempt === undefined) return
    const others = this.#candidates(attempt.range).filter(({ peer }) => !peer.equals(attempt.peer))
    if (others.length === 0) return
    const fastest = Math.max(...others.map(({ throughput }) => throughput ?? 0))
    const least = Math.max(LEAST_BYTES_PER_SECOND, fastest * LEAST_SHARE)
    if (!attempt.pace.isBelow(least, config.stallMs)) return
    const what = `under ${Math.round(least)} bytes/s for ${config.stallMs} ms, and others have it`
    attempt.controller.abort(new RpcError('RPC_TIMEOUT', what))
  }

  #attemptEnded({ range, peer, since, bytes }: Attempt, error: Error | undefined): void {
    const { peers, clock, ranges } = this.#init
    const now = clock.monotonic()
    this.#attempts.delete(range)
    if (error instanceof SyncError && error !== this.#halted) {
      range.fail(error, now)
      this.#init.onHalt(error)
      return
    }
    if (error === undefined) peers.delivered(peer, bytes, now - since)
    else if (this.#halted === undefined) this.#blame(peer, range, error)
    if (error === undefined || range.isWhole) range.finish()
    else range.fail(error, now)
    if (range.isTaken) ranges.drop(range)
  }

  #blame(peer: PeerId, range: Range, error: Error): void {
    const { peers, heights, log } = this.#init
    log('range %d-%d failed with %p: %s %s', range.start, range.end, peer, errorCode(error), error.message)
    if (NOT_DELIVERED.has(errorCode(error))) {
      heights.notDelivered(peer, range.next, error instanceof RpcError ? error.lowestAvailable : undefined)
    }
    peers.report(peer, error)
  }

  /** Begins what can be begun: first ranges that failed, from the lowest up, then new ones. */
  #schedule(): void {
    if (this.#halted !== undefined || this.#init.isLeftToConsensus()) return
    const { ranges, heights, budget, takenUpTo, clock } = this.#init
    if (takenUpTo() !== this.#seenUpTo) this.#movedAt = clock.monotonic()
    this.#seenUpTo = takenUpTo()
    this.#fillFront()
    for (const range of ranges.askable) {
      if (range.certified === undefined && heights.having(range.next).length === 0) ranges.drop(range)
      else this.#ask(range)
    }
    for (let range = this.#plan(); range !== undefined; range = this.#plan()) {
      if (this.#ask(range)) continue
      ranges.drop(range)
      break
    }
    budget.review() // another range may be the lowest now
    this.#reportHealth()
  }

  /**
   * What follows the stored chain directly is asked for before anything else, and beyond the limits: at the end of an epoch a range ends early, and those above
   * it, which have all the turns, wait for what lies between.
   */
  #fillFront(): void {
    const { ranges, takenUpTo } = this.#init
    if (ranges.lowest === undefined || ranges.lowest.next <= takenUpTo() + 1) return
    const range = this.#plan(1)
    if (range !== undefined && !this.#ask(range)) ranges.drop(range)
  }

  #plan(beyond = 0): Range | undefined {
    const { ranges, heights, config, takenUpTo, ceiling } = this.#init
    return ranges.plan(takenUpTo(), heights.highestKnown, {
      commitsPerRange: config.commitsPerRange,
      maxRanges: config.maxRangesInFlight + beyond,
      ceiling: ceiling()
    })
  }

  /** Asks somebody for a range, preferring anyone to the peer that failed it last. Returns false when nobody can be asked now. */
  #ask(range: Range): boolean {
    const { heights, random, clock } = this.#init
    const candidates = this.#candidates(range)
    const others = candidates.filter(({ peer }) => range.lastPeer === undefined || !peer.equals(range.lastPeer))
    const peer = choosePeer(others.length > 0 ? others : candidates, random)
    if (peer === undefined || this.#rests(range, others.length > 0)) return false
    range.shorten(heights.get(peer)?.highest ?? range.end)
    const now = clock.monotonic()
    range.ask(peer, now)
    const pace = new Pace(() => clock.monotonic())
    this.#launch({ range, peer, controller: new AbortController(), since: now, pace, bytes: 0 })
    return true
  }

  /** Whether it is too early to try a failed range again: nobody is asked the same thing over and over without a pause. */
  #rests({ state, next }: Range, isAskedElsewhere: boolean): boolean {
    if (state.name === 'failed' && errorCode(state.error) === 'BLOCK_UNKNOWN_EPOCH') {
      // it waited in vain for the chain to come to its epoch, and would again while that stands still
      if (next > this.#init.takenUpTo() + 1 && this.#movedAt <= state.since) return true
    }
    if (state.name !== 'failed' || this.#init.clock.monotonic() - state.since >= RETRY_MS) return false
    return !isAskedElsewhere || !(state.error instanceof SomaError) || consequenceOf(errorCode(state.error)) === 'none'
  }

  #launch(attempt: Attempt): void {
    const { tasks, mailbox } = this.#init
    this.#attempts.set(attempt.range, attempt)
    tasks.run(async (groupSignal) => {
      const signal = anySignal([groupSignal, attempt.controller.signal])
      let error: Error | undefined
      try {
        await this.#init.attempt(attempt.range, { peer: attempt.peer, pace: attempt.pace, signal })
      } catch (thrown) {
        error = attempt.controller.signal.aborted ? toError(attempt.controller.signal.reason) : toError(thrown)
      } finally {
        signal.clear()
      }
      mailbox.post({ type: 'attempt-ended', attempt, error })
    })
  }

  /** Peers that may be asked for a range now. Commits may be cut short, but the blocks of those that are certified are needed all. */
  #candidates(range: Range) {
    const { heights, peers, config, ranges, takenUpTo } = this.#init
    // everything waits for it: it finds a peer though all have their hands full
    const isFirst = range === ranges.lowest && range.next <= takenUpTo() + 1
    const most = config.maxRangesPerPeer + (isFirst ? 1 : 0)
    const busy = new Map<string, number>()
    for (const { peer } of this.#attempts.values()) busy.set(peer.toString(), (busy.get(peer.toString()) ?? 0) + 1)
    return heights
      .having(range.next, range.certified === undefined ? range.next : range.end)
      .filter(({ peer }) => peers.isAvailable(peer))
      .map(({ peer }) => ({ peer, inFlight: busy.get(peer.toString()) ?? 0, throughput: peers.throughput(peer) }))
      .filter(({ inFlight }) => inFlight < most)
  }

  #reportHealth(): void {
    const { health, heights, takenUpTo, ranges } = this.#init
    const reason = reasonToWait(takenUpTo() + 1, heights, ranges)
    health.set('state-sync', reason === undefined ? { state: 'ok' } : { state: 'degraded', reason })
  }
}
