import type { PeerAddresses } from '../peers/peers.ts'
import type { FixedSource } from './known-peer.ts'

/** Peers that are named from outside the event loop, kept until it takes them: nothing is lost where there is no room to tell it, or before it runs. */
export class NamedPeers {
  readonly #named = new Map<FixedSource, readonly PeerAddresses[]>()
  readonly #changed = new Set<FixedSource>()

  /** Names the peers of a source, in place of those before. */
  set(source: FixedSource, peers: readonly PeerAddresses[]): void {
    this.#named.set(source, [...peers])
    this.#changed.add(source)
  }

  /** The sources that were set since it was called last. */
  take(): [FixedSource, readonly PeerAddresses[]][] {
    const taken = [...this.#changed].map((source): [FixedSource, readonly PeerAddresses[]] => {
      return [source, this.#named.get(source) ?? []]
    })
    this.#changed.clear()
    return taken
  }
}
