import type { PeerId } from '@libp2p/interface'
import type { Protector } from './peers.ts'

/** Who is protected, and by whom. */
export class ProtectedPeers {
  readonly #byProtector = new Map<Protector, ReadonlySet<string>>()

  /** Sets whom somebody protects, in place of those before. */
  set(protector: Protector, peerIds: Iterable<PeerId>): void {
    this.#byProtector.set(protector, new Set(Array.from(peerIds, String)))
  }

  has(peerId: PeerId, protector?: Protector): boolean {
    const key = peerId.toString()
    if (protector !== undefined) return this.#byProtector.get(protector)?.has(key) === true
    return [...this.#byProtector.values()].some((ids) => ids.has(key))
  }
}
