import type { PeerId } from '@libp2p/interface'
import { BoundedMap } from '../peers/bounded-map.ts'

/** What one peer claims to have, and how far it is believed. */
export interface PeerHeight {
  readonly peer: PeerId
  /** The highest certifiable commit that it claims. */
  readonly highest: number
  /** The lowest commit that it claims to have. */
  readonly lowest: number
}

interface Row {
  readonly peer: PeerId
  highest: number
  lowest: number
  /** Until then nothing above is believed: a claim that was not delivered. */
  ceiling: { readonly highest: number; readonly until: number } | undefined
  /** Whether it delivered what it was asked for last. */
  isProven: boolean
}

/** Claims in a row that a peer did not make good. */
interface Failures {
  readonly count: number
  readonly at: number
}

/** How long a claim above what a peer failed to deliver is not believed the first time: about two height queries. It doubles with each further one. */
const DISBELIEF_MS = 10_000
/** Longest disbelief. */
const MAX_DISBELIEF_MS: number = 5 * 60_000
/** A claim that was not made good is forgotten so long after the disbelief of it ended. */
const FORGET_MS: number = 10 * 60_000
/** Most peers whose failures are remembered, over their connections too. */
const CAPACITY = 1_000

/**
 * The heights of connected peers. A claim moves nothing but its own peer's row, goes down as well as up, and is believed for
 * scheduling for as long as the peer delivers (promise 5 of the design).
 */
export class PeerHeights {
  readonly #rows = new Map<string, Row>()
  readonly #failures = new BoundedMap<string, Failures>(CAPACITY)
  readonly #now: () => number

  /** @param now monotonic milliseconds */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Records a claim. One that contradicts itself (lowest above highest) counts as having nothing. */
  claim(peer: PeerId, highest: number, lowest: number): void {
    const claimed = lowest > highest ? { highest: 0, lowest: 1 } : { highest, lowest }
    const row = this.#rows.get(peer.toString())
    if (row === undefined) this.#rows.set(peer.toString(), { peer, ...claimed, ceiling: undefined, isProven: false })
    else Object.assign(row, claimed)
  }

  /** A push says that a peer has reached a commit; it never lowers a claim. */
  reached(peer: PeerId, index: number, lowest: number): void {
    const known = this.#rows.get(peer.toString())
    this.claim(peer, Math.max(index, known?.highest ?? 0), lowest)
  }

  /**
   * The peer did not deliver a commit that it claims. When it says that it has pruned that one, it is taken at its word; otherwise nothing from that
   * commit on is believed for a while, and longer each time.
   */
  notDelivered(peer: PeerId, index: number, lowestAvailable?: number): void {
    const row = this.#rows.get(peer.toString())
    if (row === undefined) return
    if (lowestAvailable !== undefined && lowestAvailable > index) row.lowest = lowestAvailable
    else row.ceiling = { highest: index - 1, until: this.#now() + this.#countFailure(peer) }
  }

  /** The peer delivered what was asked of it, or failed to, for whatever reason. */
  asked(peer: PeerId, hasDelivered: boolean): void {
    const row = this.#rows.get(peer.toString())
    if (row !== undefined) row.isProven = hasDelivered
  }

  /** Whether any of those who claim to have a commit has delivered what was asked of it last. @param index @default any commit */
  isAnyProven(index = 0): boolean {
    return [...this.#rows.values()].some((row) => row.isProven && this.#believed(row).highest >= index)
  }

  forget(peer: PeerId): void {
    this.#rows.delete(peer.toString())
  }

  /** A peer's row, as far as it is believed now. */
  get(peer: PeerId): PeerHeight | undefined {
    const row = this.#rows.get(peer.toString())
    return row === undefined ? undefined : this.#believed(row)
  }

  /** All rows, as far as they are believed now. */
  all(): PeerHeight[] {
    return [...this.#rows.values()].map((row) => this.#believed(row))
  }

  /** Peers that have the commits from `first` to `last`. @param last @default first */
  having(first: number, last: number = first): PeerHeight[] {
    return this.all().filter((row) => row.lowest <= first && last <= row.highest)
  }

  /** The highest commit that any peer is believed to have, enough to ask it; 0 without peers. */
  get highestClaimed(): number {
    return this.all().reduce((highest, row) => Math.max(highest, row.highest), 0)
  }

  /**
   * The highest commit that is likely to be there, for people. The claim of a peer that did not deliver what was asked of it last counts only while nobody who did,
   * and fewer of those who did not, say otherwise; who is behind us cannot know.
   *
   * @param stored the highest commit that is stored here
   */
  highestKnown(stored: number): number {
    const rows = [...this.#rows.values()].map((row) => ({ ...this.#believed(row), isProven: row.isProven }))
    const isLikely = ({ highest, isProven }: (typeof rows)[number]): boolean => {
      const claiming = rows.filter((other) => other.highest >= highest)
      const denying = rows.filter((other) => other.highest < highest && other.highest >= Math.max(stored, 1))
      return isProven || (claiming.length > denying.length && !denying.some((other) => other.isProven))
    }
    return rows.reduce((most, row) => (row.highest > most && isLikely(row) ? row.highest : most), 0)
  }

  /** Counts a claim that was not made good, and returns for how many milliseconds claims are not believed now. */
  #countFailure(peer: PeerId): number {
    const key = peer.toString()
    const before = this.#failures.get(key)
    const isRecent = before !== undefined && this.#now() - before.at < disbeliefMs(before.count) + FORGET_MS
    const count = isRecent ? before.count + 1 : 1
    this.#failures.set(key, { count, at: this.#now() })
    return disbeliefMs(count)
  }

  #believed({ peer, highest, lowest, ceiling }: Row): PeerHeight {
    if (ceiling === undefined || this.#now() >= ceiling.until) return { peer, highest, lowest }
    return { peer, highest: Math.min(highest, ceiling.highest), lowest }
  }
}

function disbeliefMs(failures: number): number {
  return Math.min(MAX_DISBELIEF_MS, DISBELIEF_MS * 2 ** Math.min(failures - 1, 30))
}
