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

/**
 * Whose quota an introduction is charged to: the subnet of the peer that makes it, so that many peers of one are no more than one; the peer itself where
 * subnets are not counted. A peer that has left meanwhile is charged as before.
 */
export class Introducers {
  readonly #init: IntroducersInit
  readonly #subnets = new BoundedMap<string, string>(CAPACITY)

  constructor(init: IntroducersInit) {
    this.#init = init
  }

  /** Takes note of a new connection. */
  connected(peerId: PeerId): void {
    const [connection] = this.#init.connectionManager.getConnections(peerId)
    const subnet = connection && this.#init.subnetOf(connection.remoteAddr)
    if (subnet !== undefined) this.#subnets.set(peerId.toString(), subnet)
  }

  nameOf(peerId: PeerId): string {
    const key = peerId.toString()
    return this.#subnets.get(key) ?? key
  }
}
