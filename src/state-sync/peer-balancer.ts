import type { PeerId } from '@libp2p/interface'
import type { PeerSpeed } from '../peers/speed-meter.ts'
import { type Random, randomInteger } from '../runtime/random.ts'
import { ASSUMED_RATE, expectedMs, type Work } from './forecast.ts'

/** A peer that could be asked now. */
export interface Candidate {
  readonly peer: PeerId
  /** Ranges that it is delivering. */
  readonly inFlight: number
  /** `undefined` for one that has not answered lately. */
  readonly speed: PeerSpeed | undefined
  /** Whether it is to be given no more now: then it is only compared with. */
  readonly isFull: boolean
  /** How much of what is asked of it, and claimed by it, it gives at a time: above 0, at most 1. */
  readonly share: number
}

/** Who is to be asked. */
export interface Choice {
  readonly peer: PeerId
  /** Whether it is to be measured first, by a small range, for others are known. */
  readonly isExplored: boolean
}

/** Those who should take at most so much longer than the best are as good: the best one alone would become a hotspot. */
const AS_GOOD = 1.25
/** Differences of less than this are noise. */
const NOISE_MS = 2
/** One choice in so many goes to an idle peer that was not measured lately. */
const EXPLORE_ONE_IN = 4
/** Rather than one who should take so many times longer than the best, nobody is asked: the best will soon have a hand free. */
const WORTH_WAITING = 4

/**
 * Chooses whom to ask: of those that should be done first, by their latency and rate and by what they are delivering already, one at random. Peers that are not
 * known are tried where nobody known is idle, and now and then: never for what everything waits for while somebody known can be asked.
 *
 * @returns `undefined` where nobody is to be asked now
 */
export function choosePeer(
  candidates: readonly Candidate[],
  work: Work,
  options: { readonly random: Random; readonly isUrgent: boolean }
): Choice | undefined {
  const { random, isUrgent } = options
  const answering = candidates.filter(({ speed }) => speed?.hasAnswered === true)
  const unknown = candidates.filter(({ speed, isFull }) => speed === undefined && !isFull)
  const idle = unknown.filter(({ inFlight }) => inFlight === 0)
  if (answering.length === 0 && unknown.length > 0) return drawn(leastBusy(unknown), random, false)
  // who never gave a whole answer is asked where there is nobody else
  const known = answering.length > 0 ? answering : candidates.filter(({ speed }) => speed !== undefined)
  if (!isUrgent && idle.length > 0) {
    const isAnyIdle = known.some(({ inFlight }) => inFlight === 0)
    if (!isAnyIdle || randomInteger(random, EXPLORE_ONE_IN) === 0) return drawn(idle, random, true)
  }
  const ranked = rank(known, work)
  const free = ranked.filter(({ candidate }) => !candidate.isFull)
  const best = Math.min(...free.map(({ ms }) => ms))
  if (best > Math.min(...ranked.map(({ ms }) => ms)) * WORTH_WAITING + NOISE_MS) return undefined
  const asGood = free.filter(({ ms }) => ms <= best * AS_GOOD + NOISE_MS)
  return drawn(
    asGood.map(({ candidate }) => candidate),
    random,
    false
  )
}

/** Milliseconds within which each should be done. What a peer is delivering slows it down, and who gives little at a time has to be asked so much more often. */
export function rank(known: readonly Candidate[], work: Work): { candidate: Candidate; ms: number }[] {
  const rates = known.flatMap(({ speed }) => speed?.bytesPerSecond ?? [])
  const otherwise = rates.length === 0 ? ASSUMED_RATE : Math.max(...rates)
  return known.flatMap((candidate) => {
    const { speed, inFlight, share } = candidate
    return speed === undefined ? [] : [{ candidate, ms: (expectedMs(speed, work, otherwise) * (inFlight + 1)) / share }]
  })
}

function leastBusy(candidates: readonly Candidate[]): Candidate[] {
  const least = Math.min(...candidates.map(({ inFlight }) => inFlight))
  return candidates.filter(({ inFlight }) => inFlight === least)
}

function drawn(candidates: readonly Candidate[], random: Random, isExplored: boolean): Choice | undefined {
  const chosen = candidates[randomInteger(random, candidates.length)]
  return chosen && { peer: chosen.peer, isExplored }
}
