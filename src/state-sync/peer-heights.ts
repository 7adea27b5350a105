import type { PeerId } from '@libp2p/interface'

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
}

/** How long a claim above what a peer failed to deliver is not believed: about two height queries. */
const DISBELIEF_MS = 10_000

/**
 * The heights of connected peers. A claim moves nothing but its own peer's row, goes down as well as up, and is believed for
 * scheduling for as long as the peer delivers (promise 5 of the design).
 */
export class PeerHeights {
  readonly #rows = new Map<string, Row>()
  readonly #now: () => number

  /** @param now monotonic milliseconds */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Records a claim. One that contradicts itself (lowest above highest) counts as having nothing. */
  claim(peer: PeerId, highest: number, lowest: number): void {
    const claimed = lowest > highest ? { highest: 0, lowest: 1 } : { highest, lowest }
    const row = this.#rows.get(peer.toString())
    if (row === undefined) this.#rows.set(peer.toString(), { peer, ...claimed, ceiling: undefined })
    else Object.assign(row, claimed)
  }

  /** A push says that a peer has reached a commit; it never lowers a claim. */
  reached(peer: PeerId, index: number, lowest: number): void {
    const known = this.#rows.get(peer.toString())
    this.claim(peer, Math.max(index, known?.highest ?? 0), lowest)
  }

  /**
   * The peer did not deliver a commit that it claims. When it says that it has pruned that one, it is taken at its word; otherwise nothing from that
   * commit on is believed for a while.
   */
  notDelivered(peer: PeerId, index: number, lowestAvailable?: number): void {
    const row = this.#rows.get(peer.toString())
    if (row === undefined) return
    if (lowestAvailable !== undefined && lowestAvailable > index) row.lowest = lowestAvailable
    else row.ceiling = { highest: index - 1, until: this.#now() + DISBELIEF_MS }
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

  /** The highest commit that any peer is believed to have; 0 without peers. */
  get highestKnown(): number {
    return this.all().reduce((highest, row) => Math.max(highest, row.highest), 0)
  }

  #believed({ peer, highest, lowest, ceiling }: Row): PeerHeight {
    if (ceiling === undefined || this.#now() >= ceiling.until) return { peer, highest, lowest }
    return { peer, highest: Math.min(highest, ceiling.highest), lowest }
  }
}
