import type { Logger, PeerId } from '@libp2p/interface'
import { anySignal } from 'any-signal'
import type { ByteBudget } from '../runtime/byte-budget.ts'
import type { Clock } from '../runtime/clock.ts'
import type { HealthRegistry } from '../runtime/health.ts'
import type { Random } from '../runtime/random.ts'
import { errorCode, toError } from '../runtime/soma-error.ts'
import type { TaskGroup } from '../runtime/task-group.ts'
import type { Attempt } from './attempts.ts'
import { ConnectedPeers } from './connected-peers.ts'
import type { PeerHeights } from './peer-heights.ts'
import type { Range } from './range.ts'
import { RangeAsker } from './range-asker.ts'
import type { AttemptOptions } from './range-attempt.ts'
import type { RangeTable } from './range-table.ts'
import type { PeerPolicy, StateSyncConfig } from './state-sync.ts'
import { SyncError } from './sync-error.ts'
import type { SyncMailbox, SyncMessage } from './sync-mailbox.ts'
import type { SyncWait } from './sync-wait.ts'
import { WaitWatch } from './wait-watch.ts'

export interface SyncLoopInit {
  readonly mailbox: SyncMailbox
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
  readonly attempt: (range: Range, by: AttemptOptions) => Promise<void>
  /** Checks the peer's chain and asks for its heights. */
  readonly greet: (peer: PeerId) => void
  /** Asks for a peer's heights. */
  readonly queryHeight: (peer: PeerId) => void
  /** An attempt found what must halt the sync. */
  readonly onHalt: (error: SyncError) => void
  /** Offers what is new to peers that are behind. */
  readonly announce: () => void
  readonly takenUpTo: () => number
  /** The highest commit stored. */
  readonly highestSynced: () => number
  /** The slowest cursor: the sync goes no further ahead of it than `config.maxExecutorLead`. */
  readonly executor: () => { readonly position: number; readonly failure: string | undefined }
  /** Whether the tip is left to local consensus now. */
  readonly isLeftToConsensus: () => boolean
  /** See `EpochGate.awaited`. */
  readonly awaitedCommittee: () => { readonly epoch: number; readonly commit: number } | undefined
  /** What the store said when it last refused, where it has not worked since. */
  readonly storeFailure: () => string | undefined
}

/** Milliseconds between looks whether the chain comes on. */
const LOOK_MS = 500

/**
 * The one event loop of state sync (seed: StateSyncEventLoop). It alone changes heights, ranges and attempts, one message at a time; what takes
 * long runs in tasks that report back by message.
 */
export class SyncLoop {
  readonly #init: SyncLoopInit
  readonly #connected: ConnectedPeers
  readonly #asker: RangeAsker
  readonly #waits: WaitWatch
  #lookedAt = Number.NEGATIVE_INFINITY
  #halted: Error | undefined

  constructor(init: SyncLoopInit) {
    this.#init = init
    this.#connected = new ConnectedPeers(init)
    this.#waits = new WaitWatch(init.clock)
    this.#asker = new RangeAsker({ ...init, launch: (attempt) => this.#launch(attempt) })
  }

  /** Why the sync has halted, if it has. */
  get halted(): Error | undefined {
    return this.#halted
  }

  /** What the chain waits for, where it does not come on. */
  get waiting(): SyncWait | undefined {
    return this.#waits.current
  }

  /** A peer could not be asked what it has. It is known before the next look. */
  failedToAnswer(peer: PeerId, reason: string): void {
    this.#waits.failed(peer.toString(), reason)
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
    this.#init.log('halted: %s', error.message)
    this.#look()
    for (const attempt of this.#asker.attempts.all()) attempt.controller.abort(error)
  }

  #handle(message: SyncMessage): void {
    const { heights } = this.#init
    switch (message.type) {
      case 'tick':
        this.#tick()
        break
      case 'peer-connected':
        this.#connected.add(message.peer)
        break
      case 'peer-disconnected':
        this.#connected.delete(message.peer)
        heights.forget(message.peer)
        break
      case 'chain-checked':
        this.#connected.check(message.peer)
        break
      case 'height':
        if (this.#connected.isChecked(message.peer)) this.#claimed(message.peer, message.highest, message.lowest)
        break
      case 'pushed':
        if (this.#connected.isChecked(message.peer)) heights.reached(message.peer, message.index, message.lowest)
        break
      case 'attempt-ended':
        this.#attemptEnded(message.attempt, message.error)
        break
      case 'stored':
        this.#init.announce()
        if (this.#waits.current !== undefined) this.#look() // what was waited for may have come
        break
      default:
        message satisfies never
    }
  }

  #claimed(peer: PeerId, highest: number, lowest: number): void {
    const next = this.#init.highestSynced() + 1
    if (next < lowest || highest < next) this.#waits.lacks(peer.toString(), highest, lowest)
    this.#init.heights.claim(peer, highest, lowest)
  }

  #tick(): void {
    this.#connected.ask()
    if (this.#init.clock.monotonic() - this.#lookedAt >= LOOK_MS) this.#look()
    if (this.#halted !== undefined) return
    this.#asker.askBesideLaggards()
    this.#asker.takeFromSlow()
  }

  #attemptEnded(attempt: Attempt, error: Error | undefined): void {
    const { ranges, clock } = this.#init
    const { range } = attempt
    this.#asker.attempts.delete(attempt)
    if (error instanceof SyncError && error !== this.#halted && error.code !== 'SYNC_SUPERSEDED') {
      range.fail(error, clock.monotonic())
      this.#waits.failed(attempt.peer.toString(), 'served what halted the sync')
      this.#init.onHalt(error)
      return
    }
    if (error === undefined) this.#asker.finished(attempt)
    else if (errorCode(error) === 'SYNC_SUPERSEDED') this.#asker.superseded(attempt)
    else if (this.#halted === undefined) this.#blame(attempt, error)
    const [other] = this.#asker.attempts.at(range)
    if (range.isWhole || (error === undefined && range.firstMissing === undefined)) range.finish()
    else if (other !== undefined) range.passTo(other.peer)
    else if (error === undefined) range.wait()
    else range.fail(error, clock.monotonic())
    if (range.isTaken) ranges.drop(range)
  }

  #blame(attempt: Attempt, error: Error): void {
    const { range, peer } = attempt
    if (range.start <= this.#init.highestSynced() + 1) {
      this.#waits.failed(peer.toString(), `${errorCode(error)}: ${error.message}`)
    }
    this.#init.log('range %d-%d failed with %p: %s %s', range.start, range.end, peer, errorCode(error), error.message)
    this.#asker.failed(attempt, error)
  }

  /** Begins what can be begun: first ranges that failed, from the lowest up, then new ones. */
  #schedule(): void {
    if (this.#halted !== undefined || this.#init.isLeftToConsensus()) return
    const { ranges, heights, budget } = this.#init
    this.#asker.look()
    this.#fillFront()
    for (const range of ranges.askable) {
      if (range.certified === undefined && heights.having(range.next).length === 0) ranges.drop(range)
      else this.#asker.ask(range)
    }
    for (let range = this.#plan(); range !== undefined; range = this.#plan()) {
      if (this.#asker.ask(range)) continue
      ranges.drop(range)
      break
    }
    budget.review() // another range may be the lowest now
  }

  /**
   * What follows the stored chain directly is asked for before anything else, and beyond the limits: at the end of an epoch a range ends early, and those above
   * it, which have all the turns, wait for what lies between.
   */
  #fillFront(): void {
    const { ranges, takenUpTo } = this.#init
    if (ranges.lowest === undefined || ranges.lowest.next <= takenUpTo() + 1) return
    const range = this.#plan(1)
    if (range !== undefined && !this.#asker.ask(range)) ranges.drop(range)
  }

  #plan(beyond = 0): Range | undefined {
    const { ranges, heights, config, takenUpTo, executor } = this.#init
    return ranges.plan(takenUpTo(), heights.highestClaimed, {
      commitsPerRange: config.commitsPerRange,
      maxRanges: config.maxRangesInFlight + beyond,
      ceiling: executor().position + config.maxExecutorLead
    })
  }

  #launch(attempt: Attempt): void {
    const { tasks, mailbox } = this.#init
    const { range, peer, end, pace, controller } = attempt
    tasks.run(async (groupSignal) => {
      const signal = anySignal([groupSignal, controller.signal])
      const onServed: AttemptOptions['onServed'] = (served) => this.#asker.served(attempt, served)
      let error: Error | undefined
      try {
        await this.#init.attempt(range, { peer, end, pace, signal, onServed })
      } catch (thrown) {
        error = controller.signal.aborted ? toError(controller.signal.reason) : toError(thrown)
      } finally {
        signal.clear()
      }
      mailbox.post({ type: 'attempt-ended', attempt, error })
    })
  }

  /** Looks whether the chain comes on, and says so by the node's health. */
  #look(): void {
    const { clock, health, heights, ranges, config, peers, highestSynced, takenUpTo } = this.#init
    this.#lookedAt = clock.monotonic()
    const { lowest } = ranges
    const stored = highestSynced()
    const wait = this.#waits.look(
      {
        stored,
        takenUpTo: takenUpTo(),
        halted: this.#halted,
        storeFailure: this.#init.storeFailure(),
        isLeftToConsensus: this.#init.isLeftToConsensus(),
        awaitedCommittee: this.#init.awaitedCommittee(),
        executor: { ...this.#init.executor(), lead: config.maxExecutorLead },
        connected: this.#connected.count,
        heights: heights.all(),
        highestKnown: heights.highestKnown(stored),
        lowest: lowest && {
          isCertified: lowest.certified !== undefined,
          peerId: lowest.peer?.toString(),
          bytes: this.#asker.attempts.at(lowest).reduce((most, { pace }) => Math.max(most, pace.bytes), 0)
        }
      },
      () => peers.failedDials().map(({ peerId, atMs, reason }) => ({ peerId: peerId.toString(), atMs, answer: reason }))
    )
    if (this.#halted !== undefined) return
    health.set('state-sync', wait === undefined ? { state: 'ok' } : { state: 'degraded', reason: wait.explanation })
  }
}
