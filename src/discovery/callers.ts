import type { PeerId } from '@libp2p/interface'

/**
 * New peers that dialled us. Such a peer asks us at once, and says what it knows: so we ask it only where that is more than we know, or when it does not come.
 */
export class Callers {
  readonly #expected = new Map<string, PeerId>()
  /** Of those, the ones that had not come when it was last looked. */
  #late: ReadonlySet<string> = new Set()

  /** A new peer has dialled us. */
  expect(peerId: PeerId): void {
    this.#expected.set(peerId.toString(), peerId)
  }

  /** A peer has asked, or is gone. Says whether it was waited for. */
  delete(peerId: PeerId): boolean {
    return this.#expected.delete(peerId.toString())
  }

  /** Those who have not come since this was called before, who are not waited for any longer. Called now and then. */
  overdue(): PeerId[] {
    const overdue = [...this.#expected].flatMap(([key, peerId]) => (this.#late.has(key) ? [peerId] : []))
    for (const peerId of overdue) this.delete(peerId)
    this.#late = new Set(this.#expected.keys())
    return overdue
  }

  /** Waits only for those connected: that one has disconnected may have been told while there was no room for it. */
  retain(connected: readonly PeerId[]): void {
    const keys = new Set(connected.map(String))
    for (const [key, peerId] of this.#expected) if (!keys.has(key)) this.delete(peerId)
  }
}
