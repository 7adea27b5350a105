import type { PeerId } from '@libp2p/interface'
import { type Random, randomInteger } from '../runtime/random.ts'

/** A peer that could be asked now. */
export interface Candidate {
  readonly peer: PeerId
  /** Ranges that it is delivering. */
  readonly inFlight: number
  /** Measured bytes a second; `undefined` for one that has not delivered yet. */
  readonly throughput: number | undefined
}

/** Choose among so many of the best (the original's SELECTION_WINDOW): the best one alone would become a hotspot. */
const SELECTION_WINDOW = 2
/** One choice in so many is open to everyone, so that a peer once slow is measured again. */
const EXPLORE_ONE_IN = 10

/** Chooses whom to ask: the least busy first, then the unmeasured and the fastest, with some randomness. */
export function choosePeer(candidates: readonly Candidate[], random: Random): PeerId | undefined {
  if (candidates.length === 0) return undefined
  if (randomInteger(random, EXPLORE_ONE_IN) === 0) return candidates[randomInteger(random, candidates.length)]?.peer
  const ranked = candidates.toSorted(
    (a, b) => a.inFlight - b.inFlight || (b.throughput ?? Number.MAX_VALUE) - (a.throughput ?? Number.MAX_VALUE)
  )
  const leastBusy = ranked.filter((candidate) => candidate.inFlight === ranked[0]?.inFlight)
  return leastBusy[randomInteger(random, Math.min(SELECTION_WINDOW, leastBusy.length))]?.peer
}
