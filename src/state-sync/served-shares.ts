import type { PeerId } from '@libp2p/interface'
import { BoundedMap } from '../peers/bounded-map.ts'

interface Served {
  readonly asked: number
  readonly served: number
  /** Epoch of the last short answer that was let pass. */
  readonly shortIn: number | undefined
}

/** Most peers remembered, over their connections too. */
const CAPACITY = 1_000
/** A peer begins as if it had served so many commits that were asked of it: one short answer proves nothing. */
const CREDIT = 100
/** What was asked and served fades by a tenth with each answer. */
const KEEP = 0.9

/**
 * How much of what peers are asked for, and claim to have, they give at a time. A server may answer with fewer commits than were asked, for each has limits of its own, but who
 * always gives a crumb takes as many turns as there are crumbs.
 */
export class ServedShares {
  readonly #served = new BoundedMap<string, Served>(CAPACITY)

  /** Counts an answer. One short answer an epoch passes: an answer ends where the epoch does. */
  count(peer: PeerId, answer: { readonly asked: number; readonly served: number; readonly epoch: number }): void {
    const key = peer.toString()
    const before = this.#served.get(key) ?? { asked: CREDIT, served: CREDIT, shortIn: undefined }
    const { asked, served, epoch } = answer
    if (served < asked && before.shortIn !== epoch) {
      this.#served.set(key, { ...before, shortIn: epoch })
      return
    }
    this.#served.set(key, {
      asked: before.asked * KEEP + asked,
      served: before.served * KEEP + served,
      shortIn: before.shortIn
    })
  }

  /** Above 0, at most 1; 1 for a peer that has not been asked yet. */
  of(peer: PeerId): number {
    const served = this.#served.get(peer.toString())
    return served === undefined ? 1 : served.served / served.asked
  }
}
