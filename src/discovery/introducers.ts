import type { PeerId } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'
import { BoundedMap } from '../peers/bounded-map.ts'

export interface IntroducersInit {
  readonly connectionManager: ConnectionManager
  readonly subnetOf: (address: Multiaddr) => string | undefined
}

/** Peers whose subnet is remembered after they left. */
const CAPACITY = 2_000

/** The quota of those of whom nothing is known any more. */
const STRANGERS = 'strangers'

/**
 * Whose quota an introduction is charged to: the subnet of the peer that makes it, so that many peers of one are no more than one; the peer itself where
 * subnets are not counted. A peer that has left meanwhile is charged as before, as long as it is remembered; strangers share one.
 */
export class Introducers {
  readonly #init: IntroducersInit
  readonly #names = new BoundedMap<string, string>(CAPACITY)

  constructor(init: IntroducersInit) {
    this.#init = init
  }

  /** Takes note of a new connection. */
  connected(peerId: PeerId): void {
    const [connection] = this.#init.connectionManager.getConnections(peerId)
    if (connection === undefined) return
    const key = peerId.toString()
    this.#names.set(key, this.#init.subnetOf(connection.remoteAddr) ?? key)
  }

  nameOf(peerId: PeerId): string {
    return this.#names.get(peerId.toString()) ?? STRANGERS
  }
}
