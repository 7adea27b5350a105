import type { PeerId } from '@libp2p/interface'
import type { Work } from './forecast.ts'
import type { Pace } from './pace.ts'
import type { Range } from './range.ts'

/** A range being fetched from a peer. */
export interface Attempt {
  readonly range: Range
  readonly peer: PeerId
  /** The first commit that is asked for. */
  readonly first: number
  /** The last that its peer claims to have. */
  readonly end: number
  /** What there was to be fetched when it began, by all that was known. */
  readonly work: Work
  readonly pace: Pace
  readonly controller: AbortController
  /** Whether there were peers that had delivered what was asked of them last, and none of those claimed to have this. */
  readonly isDoubtful: boolean
}

/** The attempts under way, by range: one, or a few beside each other. */
export class Attempts {
  readonly #byRange = new Map<Range, readonly Attempt[]>()

  add(attempt: Attempt): void {
    this.#byRange.set(attempt.range, [...this.at(attempt.range), attempt])
  }

  delete(attempt: Attempt): void {
    const others = this.at(attempt.range).filter((other) => other !== attempt)
    if (others.length === 0) this.#byRange.delete(attempt.range)
    else this.#byRange.set(attempt.range, others)
  }

  /** Those at a range, the first one first. */
  at(range: Range): readonly Attempt[] {
    return this.#byRange.get(range) ?? []
  }

  all(): Attempt[] {
    return [...this.#byRange.values()].flat()
  }

  /** How many a peer is at. */
  of(peer: PeerId): number {
    return this.all().filter((attempt) => attempt.peer.equals(peer)).length
  }
}
