import type { PeerId } from '@libp2p/interface'
import { consequenceOf } from '../peers/consequence.ts'
import type { PeerSpeed } from '../peers/speed-meter.ts'
import { RpcError } from '../rpc/rpc-error.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import { errorCode, SomaError } from '../runtime/soma-error.ts'
import { type Attempt, Attempts } from './attempts.ts'
import { ASSUMED_RATE, expectedMs, isLagging } from './forecast.ts'
import { Pace } from './pace.ts'
import { type Candidate, choosePeer } from './peer-balancer.ts'
import type { PeerHeight, PeerHeights } from './peer-heights.ts'
import type { Range } from './range.ts'
import type { RangeTable } from './range-table.ts'
import { RangeWeight } from './range-weight.ts'
import { ServedShares } from './served-shares.ts'
import type { PeerPolicy, StateSyncConfig } from './state-sync.ts'
import { SyncError } from './sync-error.ts'

export interface RangeAskerInit {
  readonly ranges: RangeTable
  readonly heights: PeerHeights
  readonly peers: PeerPolicy
  readonly clock: Clock
  readonly random: Random
  readonly config: StateSyncConfig
  readonly takenUpTo: () => number
  /** Begins an attempt. */
  readonly launch: (attempt: Attempt) => void
}

/** Failures of the link rather than of the peer. */
const LINK_LOST: ReadonlySet<string> = new Set(['RPC_STREAM_TORN', 'RPC_NOT_CONNECTED'])

/** Failures after which the same peer would give the same answer again: it does not have what it claims. */
const NOT_DELIVERED: ReadonlySet<string> = new Set(['RPC_NOT_FOUND', 'COMMITS_EMPTY', 'BLOCKS_MISSING'])
/** A range rests so long after it failed with the only peer that has it, or by a fault that no peer is to blame for. */
const RETRY_MS = 1_000
/** Who delivers less is as good as silent: a hundredth of what a home connection brings. */
const LEAST_BYTES_PER_SECOND = 16 * 1024
/** And so is who delivers less than such a part of what another does. */
const LEAST_SHARE = 1 / 16
/** Peers that are asked for the same range at once, at most: two of them may be silent. */
const MOST_ASKED = 3
/** Where no peer has answered yet, a range should take no more than such a part of the time after which it is taken from a slow one. */
const FIRST_SHARE = 1 / 6
/** Commits that a peer is asked for to find out how fast it is, while others are known. */
const EXPLORED_COMMITS = 25

/** Whom to ask for a range, when to ask another as well, and who loses a range. It belongs to the event loop, which alone calls it. */
export class RangeAsker {
  readonly attempts: Attempts = new Attempts()
  readonly #init: RangeAskerInit
  readonly #weight = new RangeWeight()
  readonly #shares = new ServedShares()
  /** How far the chain had come at last sight, and since when. */
  #seenUpTo = 0
  #movedAt = Number.NEGATIVE_INFINITY

  constructor(init: RangeAskerInit) {
    this.#init = init
  }

  /** Looks how far the chain has come. */
  look(): void {
    const upTo = this.#init.takenUpTo()
    if (upTo !== this.#seenUpTo) this.#movedAt = this.#init.clock.monotonic()
    this.#seenUpTo = upTo
  }

  /** Asks somebody for a range, preferring anyone to the peer that failed it last. Returns false when nobody can be asked now. */
  ask(range: Range): boolean {
    const { heights, random } = this.#init
    const candidates = this.#candidates(range)
    const others = candidates.filter(({ peer }) => range.lastPeer === undefined || !peer.equals(range.lastPeer))
    const choice = choosePeer(others.length > 0 ? others : candidates, this.#weight.left(range), {
      random,
      isUrgent: this.#isFirst(range)
    })
    if (choice === undefined || this.#rests(range, others.length > 0)) return false
    const { peer, isExplored } = choice
    const claimed = heights.get(peer)?.highest ?? range.end
    range.shorten(isExplored ? Math.min(claimed, range.next + EXPLORED_COMMITS - 1) : claimed)
    this.#launch(range, peer)
    return true
  }

  /**
   * Where everything waits for a range, or there is nothing else left to fetch, and it lags behind what its peer or another should take for it, another is asked
   * for the rest as well, and a third where that one lags too: the first answer wins.
   */
  askBesideLaggards(): void {
    const { ranges, config } = this.#init
    const isTail = ranges.size < config.maxRangesInFlight
    for (const range of ranges.ranges) {
      if (range !== ranges.lowest && !isTail) break
      const attempts = this.attempts.at(range)
      const attempt = attempts.at(-1)
      if (attempt === undefined || attempts.length === MOST_ASKED || range.isWhole) continue
      const other = this.#quickest(attempt)
      if (other !== undefined && this.#lags(attempt, other)) this.#launch(range, other.peer)
    }
  }

  /** Everything waits for the lowest range: a peer that is silent or slow loses it, where another has it and should do better. */
  takeFromSlow(): void {
    const { ranges, config, peers } = this.#init
    if (ranges.lowest === undefined) return
    const attempts = this.attempts.at(ranges.lowest)
    for (const attempt of attempts) {
      const other = this.#quickest(attempt)
      const beside = attempts.find((another) => another !== attempt && !another.controller.signal.aborted)
      const instead = other?.peer ?? beside?.peer
      if (instead === undefined) continue
      const least = Math.max(LEAST_BYTES_PER_SECOND, (peers.speed(instead)?.bytesPerSecond ?? 0) * LEAST_SHARE)
      if (!attempt.pace.isBelow(least, config.stallMs)) continue
      if (other !== undefined && !this.#lags(attempt, other)) continue
      const what = `under ${Math.round(least)} bytes/s for ${config.stallMs} ms, and others have it`
      attempt.controller.abort(new RpcError('RPC_TIMEOUT', what))
    }
  }

  /** An attempt has brought what its peer has of the range. Where that is all that was left, another beside it is given up, and nobody is blamed. */
  finished(attempt: Attempt): void {
    const { range, peer, pace } = attempt
    const { peers, heights } = this.#init
    peers.delivered(peer, pace.bytes)
    heights.asked(peer, true)
    if (range.firstMissing !== undefined) return
    if (range.attempts === 1) this.#weight.count(range, pace.bytes)
    for (const other of this.attempts.at(range)) {
      other.controller.abort(new SyncError('SYNC_SUPERSEDED', 'another peer was faster'))
    }
  }

  /** An attempt was given up because another was faster. */
  superseded(attempt: Attempt): void {
    this.#disbelieveSilent(attempt)
  }

  /** An attempt failed by its peer's fault, or the network's. */
  failed(attempt: Attempt, error: Error): void {
    const { peers, heights } = this.#init
    const { peer, range, pace } = attempt
    const code = errorCode(error)
    // what came over a link before it was lost is kept: the peer is asked again soon, however often its link is lost
    if (LINK_LOST.has(code) && pace.bytes > 0) peers.delivered(peer, pace.bytes)
    if (NOT_DELIVERED.has(code)) {
      heights.notDelivered(peer, range.next, error instanceof RpcError ? error.lowestAvailable : undefined)
    } else if (code === 'RPC_TIMEOUT') this.#disbelieveSilent(attempt)
    if (peers.report(peer, error) !== 'none') heights.asked(peer, false)
  }

  /** What is claimed beyond what those have who deliver, and of which not a byte comes, is not believed for a while. */
  #disbelieveSilent({ peer, first, isDoubtful, pace }: Attempt): void {
    if (isDoubtful && pace.bytes === 0) this.#init.heights.notDelivered(peer, first)
  }

  #launch(range: Range, peer: PeerId): void {
    const { heights, peers, clock, launch } = this.#init
    const first = range.next
    if (range.peer === undefined) range.ask(peer, clock.monotonic())
    else range.join()
    const attempt: Attempt = {
      range,
      peer,
      first,
      end: Math.min(range.end, heights.get(peer)?.highest ?? range.end),
      work: this.#weight.left(range),
      pace: new Pace(
        () => clock.monotonic(),
        (answer) => peers.measured(peer, answer)
      ),
      controller: new AbortController(),
      isDoubtful: heights.isAnyProven() && !heights.isAnyProven(first)
    }
    this.attempts.add(attempt)
    launch(attempt)
  }

  /** Counts what a peer served of what it was asked for. */
  served({ peer, end, range }: Attempt, served: { readonly commits: number; readonly epoch: number }): void {
    this.#shares.count(peer, { asked: end - range.start + 1, served: served.commits, epoch: served.epoch })
  }

  /** Who would be asked beside an attempt. */
  #quickest({ range }: Attempt): Candidate | undefined {
    const others = this.#candidates(range)
    const choice = choosePeer(others, this.#weight.left(range), { random: this.#init.random, isUrgent: true })
    return choice && others.find(({ peer }) => peer === choice.peer)
  }

  #lags({ peer, range, work, pace }: Attempt, { speed }: Candidate): boolean {
    const { peers, config } = this.#init
    const left = this.#weight.left(range)
    const whole = { requests: work.requests, bytes: Math.max(work.bytes, left.bytes + pace.bytes) }
    const answering = (speed: PeerSpeed | undefined) => (speed?.hasAnswered === true ? speed : undefined)
    const own = answering(peers.speed(peer))
    const other = answering(speed)
    const rate = Math.max(own?.bytesPerSecond ?? 0, other?.bytesPerSecond ?? 0) || ASSUMED_RATE
    const expected = [own, other].flatMap((known) => (known === undefined ? [] : expectedMs(known, whole, rate)))
    return isLagging(
      { waitedMs: pace.waitedMs, bytes: pace.bytes },
      left,
      {
        wholeMs: expected.length === 0 ? undefined : Math.min(...expected),
        restMs: other && expectedMs(other, left, rate)
      },
      config.stallMs * FIRST_SHARE
    )
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

  #isFirst(range: Range): boolean {
    const { ranges, takenUpTo } = this.#init
    return range === ranges.lowest && range.next <= takenUpTo() + 1
  }

  /**
   * Peers that may be asked for a range now, but those who are. Of commits that are certified the blocks are needed all: who has them comes first. Where nobody else has,
   * whoever has some of those that are missing is asked for these: a peer that shows more of the chain than others have, and gives no blocks, holds up nothing below.
   */
  #candidates(range: Range): Candidate[] {
    const { heights } = this.#init
    const { certified, next, end, firstMissing = next } = range
    if (certified === undefined) return this.#able(heights.having(next), range)
    const whole = this.#able(heights.having(next, end), range)
    return whole.length > 0 ? whole : this.#able(heights.having(firstMissing), range)
  }

  #able(having: readonly PeerHeight[], range: Range): Candidate[] {
    const { peers, config } = this.#init
    const busy = this.attempts.at(range)
    // everything waits for the first: it finds a peer though all have their hands full
    const most = config.maxRangesPerPeer + (this.#isFirst(range) ? 1 : 0)
    return having
      .filter(({ peer }) => peers.isAvailable(peer) && busy.every((attempt) => !attempt.peer.equals(peer)))
      .map(({ peer }) => {
        const inFlight = this.attempts.of(peer)
        return { peer, inFlight, isFull: inFlight >= most, speed: peers.speed(peer), share: this.#shares.of(peer) }
      })
  }
}
