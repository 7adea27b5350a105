import type { PeerSpeed } from '../peers/speed-meter.ts'

/** What is still to be fetched of a range. */
export interface Work {
  /** One after the other. */
  readonly requests: number
  readonly bytes: number
}

/** An attempt, as far as it has come. */
export interface Progress {
  /** Milliseconds that its peer was waited for. */
  readonly waitedMs: number
  /** Bytes that came. */
  readonly bytes: number
}

/** Bytes a second of a peer that has shown none, where nobody else has either. */
export const ASSUMED_RATE: number = 1024 * 1024
/** A range is taken to lag when it took so much longer than it should. */
const LAG_FACTOR = 2
/** No less is called lagging: timers, collections of garbage and a busy machine take as long. */
const LEAST_LAG_MS = 250

/** Milliseconds that a peer should take. A peer whose rate is not known yet is taken to have whatever rate is given. */
export function expectedMs({ latencyMs, bytesPerSecond }: PeerSpeed, work: Work, otherwise: number): number {
  return work.requests * latencyMs + (work.bytes * 1_000) / (bytesPerSecond ?? otherwise)
}

/**
 * Whether to ask another peer as well: the one at it has taken much longer than it, or the other, should for the whole, and the other should bring what is
 * left sooner.
 *
 * @param expected.wholeMs what the quicker of the two should take for the whole range; `undefined` where nothing is known of either
 * @param expected.restMs what the other should take for what is left; `undefined` where nothing is known of it
 * @param fallbackMs taken for `wholeMs` where that is not known
 */
export function isLagging(
  { waitedMs, bytes }: Progress,
  left: Work,
  expected: { readonly wholeMs: number | undefined; readonly restMs: number | undefined },
  fallbackMs: number
): boolean {
  if (waitedMs < Math.max(LEAST_LAG_MS, LAG_FACTOR * (expected.wholeMs ?? fallbackMs))) return false
  const ownRestMs = bytes === 0 ? Number.POSITIVE_INFINITY : (left.bytes * waitedMs) / bytes
  return expected.restMs === undefined || expected.restMs < ownRestMs
}
