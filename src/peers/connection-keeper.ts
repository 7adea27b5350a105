import type { Connection, Logger, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Clock } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import { BoundedMap } from './bounded-map.ts'
import { chooseEvicted } from './choose-evicted.ts'
import { ConnectionCloser } from './connection-closer.ts'
import { ConnectionTable, type TableEntry } from './connection-table.ts'
import { DuplicateCloser } from './duplicate-closer.ts'
import type { ClosedReason } from './peer-tallies.ts'
import type { ConnectedPeer } from './peers.ts'

export interface ConnectionKeeperInit {
  readonly own: PeerId
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly maxConnections: number
  readonly outboundReserve: number
  readonly maxPerSubnet: number
  /** Most peers remembered that were left lately. */
  readonly capacity: number
  readonly subnetOf: (address: Multiaddr) => string | undefined
  readonly isProtected: (peerId: PeerId) => boolean
  readonly bytesPerMinute: (peerId: PeerId) => number
  /** A connection that was in order is being closed. */
  readonly onClosing: (connection: Connection, reason: ClosedReason) => void
}

/** How long after we closed a connection what failed on it still comes to light, in milliseconds. */
const AFTERMATH_MS = 5_000

/** A peer, and connections to it that end. */
interface Parted {
  readonly peerId: PeerId
  readonly connections: readonly Connection[]
}

/** Keeps the connections within their limits: so many peers, so many of a subnet, one connection to each. */
export class ConnectionKeeper {
  readonly #init: ConnectionKeeperInit
  readonly #table: ConnectionTable
  readonly #closer: ConnectionCloser
  readonly #duplicates: DuplicateCloser
  /** When a connection to a peer was closed last by us. */
  readonly #left: BoundedMap<string, number>

  constructor(init: ConnectionKeeperInit) {
    const { own, clock, log } = init
    if (!(init.maxConnections >= 1)) throw new RangeError(`at least 1 connection, not ${init.maxConnections}`)
    if (!(init.maxPerSubnet >= 1)) throw new RangeError(`at least 1 peer of a subnet, not ${init.maxPerSubnet}`)
    this.#init = init
    this.#table = new ConnectionTable(own, init.subnetOf)
    this.#closer = new ConnectionCloser(log)
    this.#left = new BoundedMap(init.capacity)
    this.#duplicates = new DuplicateCloser({
      own,
      clock,
      table: this.#table,
      close: (connection) => this.#close(connection, 'duplicate'),
      onFailure: (error) => log.error('superfluous connections are not looked at - %e', error)
    })
  }

  start(): void {
    this.#closer.start()
    this.#duplicates.start()
  }

  /** Resolves when nothing is being closed any more. */
  async stop(): Promise<void> {
    await this.#duplicates.stop()
    await this.#closer.stop()
    this.#table.clear()
  }

  /** Takes note of a connection that has opened. */
  opened(connection: Connection): void {
    const entry = this.#table.add(connection, this.#init.clock.monotonic())
    if (entry === undefined) return
    this.#duplicates.settle(entry.key)
    if (this.#isTooMany(entry)) this.#disconnect(entry, 'subnet')
    else this.#evict(entry)
  }

  /**
   * Takes note of a connection that has closed.
   *
   * @returns whether it was we who closed it
   */
  closed(connection: Connection): boolean {
    this.#table.remove(connection)
    const left = this.#table.get(connection.remotePeer.toString())
    if (left !== undefined && this.#isTooMany(left)) this.#disconnect(left, 'subnet') // what is left of it is elsewhere
    return this.#closer.has(connection)
  }

  /** Applies the limits to everyone: after a change of who is protected. */
  enforce(): void {
    for (const entry of this.#table.values().reverse()) if (this.#isTooMany(entry)) this.#disconnect(entry, 'subnet')
    this.#evict()
  }

  /** Parts from a peer that is not needed, as far as we dialled it: a connection that it dialled may be needed by it. */
  part(peerId: PeerId): void {
    const entry = this.#table.get(peerId.toString())
    if (entry === undefined || this.#init.isProtected(peerId)) return
    const connections = entry.connections.filter(({ direction }) => direction === 'outbound')
    this.#disconnect({ peerId, connections }, 'surplus')
  }

  connected(): ConnectedPeer[] {
    return this.#table.values().map((entry) => this.#describe(entry))
  }

  isConnected(peerId: PeerId): boolean {
    return this.#table.get(peerId.toString()) !== undefined
  }

  /** Whether we closed a connection to a peer a short while ago, so that what failed on it is no fault of the peer. */
  hasLeft(peerId: PeerId): boolean {
    const at = this.#left.get(peerId.toString())
    return at !== undefined && this.#init.clock.monotonic() - at < AFTERMATH_MS
  }

  /** Whether a peer that is at an address may stay. Protected ones may, and those that are there already. */
  hasRoomFor(peerId: PeerId, address: Multiaddr): boolean {
    return this.#init.isProtected(peerId) || this.#hasRoom(address, peerId.toString())
  }

  /** Whether one more peer without protection may be at an address. */
  hasRoomAt(address: Multiaddr): boolean {
    return this.#hasRoom(address)
  }

  #hasRoom(address: Multiaddr, except?: string): boolean {
    const subnet = this.#init.subnetOf(address)
    return subnet === undefined || this.#countOf(subnet, except) < this.#init.maxPerSubnet
  }

  /** Peers without protection in a subnet. */
  #countOf(subnet: string, except?: string): number {
    let count = 0
    for (const entry of this.#table.values()) {
      if (entry.subnet === subnet && entry.key !== except && !this.#init.isProtected(entry.peerId)) count += 1
    }
    return count
  }

  #isTooMany({ subnet, peerId }: TableEntry): boolean {
    if (subnet === undefined || this.#init.isProtected(peerId)) return false
    return this.#countOf(subnet) > this.#init.maxPerSubnet
  }

  #evict(newcomer?: TableEntry): void {
    const { maxConnections } = this.#init
    while (this.#table.size > maxConnections) {
      const peers = this.#table.values().map((entry) => ({ ...this.#describe(entry), entry }))
      const latest = peers.find(({ entry }) => entry.key === newcomer?.key)
      const evicted = chooseEvicted(peers, latest, this.#init)
      if (evicted === undefined) return
      this.#disconnect(evicted.entry, 'full')
    }
  }

  #disconnect({ peerId, connections }: Parted, reason: ClosedReason): void {
    this.#init.log('closing the connection to %p: %s', peerId, reason)
    for (const connection of connections) this.#close(connection, reason)
  }

  #close(connection: Connection, reason: ClosedReason): void {
    this.#table.remove(connection)
    this.#left.set(connection.remotePeer.toString(), this.#init.clock.monotonic())
    this.#closer.close(connection)
    this.#init.onClosing(connection, reason)
  }

  #describe({ peerId, since, connections: [kept] }: TableEntry): ConnectedPeer {
    return {
      peerId,
      direction: kept.direction,
      address: kept.remoteAddr,
      connectedMs: this.#init.clock.monotonic() - since,
      bytesPerMinute: this.#init.bytesPerMinute(peerId),
      isProtected: this.#init.isProtected(peerId)
    }
  }
}
