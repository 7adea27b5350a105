import type { Libp2pEvents, Logger, PeerId, PeerStore, PeerUpdate, TypedEventTarget } from '@libp2p/interface'
import { BoundedMap } from './bounded-map.ts'

export interface ForgottenPeersInit {
  readonly peerStore: PeerStore
  readonly events: TypedEventTarget<Libp2pEvents>
  readonly isConnected: (peerId: PeerId) => boolean
  /** Peers of whom it is remembered that they are forgotten. */
  readonly capacity: number
  readonly log: Logger
}

/**
 * Has libp2p forget peers that are not connected. It keeps everyone who ever was, or whom we tried to dial, for as long as the process lives: whoever changes
 * its id, or invents others, would fill the memory. We never dial by what it remembers.
 *
 * What a peer did last is often noted when it has gone: every stream that it opened is, by its protocol. So it is forgotten again then.
 */
export class ForgottenPeers {
  readonly #init: ForgottenPeersInit
  readonly #forgotten: BoundedMap<string, true>

  constructor(init: ForgottenPeersInit) {
    this.#init = init
    this.#forgotten = new BoundedMap(init.capacity)
  }

  start(): void {
    this.#init.events.addEventListener('peer:update', this.#onUpdate)
  }

  stop(): void {
    this.#init.events.removeEventListener('peer:update', this.#onUpdate)
  }

  /** Forgets a peer, unless it is connected. */
  forget(peerId: PeerId): void {
    const { isConnected, peerStore, log } = this.#init
    if (isConnected(peerId)) return
    this.#forgotten.set(peerId.toString(), true)
    peerStore.delete(peerId).catch((thrown: unknown) => log.error('%p is not forgotten - %e', peerId, thrown))
  }

  readonly #onUpdate = ({ detail: { peer } }: CustomEvent<PeerUpdate>): void => {
    if (this.#forgotten.get(peer.id.toString()) === true) this.forget(peer.id)
  }
}
