import type { Connection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { byPreference } from '../rpc/preferred-connection.ts'

/** A peer that is connected. */
export interface TableEntry {
  readonly key: string
  readonly peerId: PeerId
  /** Since when, in the clock's monotonic milliseconds. */
  readonly since: number
  /** Every open connection to it that is not being closed, the one to keep first. */
  readonly connections: readonly [Connection, ...Connection[]]
  /** The subnet of the one to keep. */
  readonly subnet: string | undefined
}

/** Who is connected, without whom we are disconnecting from. */
export class ConnectionTable {
  readonly #own: PeerId
  readonly #subnetOf: (address: Multiaddr) => string | undefined
  readonly #entries = new Map<string, TableEntry>()

  constructor(own: PeerId, subnetOf: (address: Multiaddr) => string | undefined) {
    this.#own = own
    this.#subnetOf = subnetOf
  }

  /** Connected peers. */
  get size(): number {
    return this.#entries.size
  }

  get(key: string): TableEntry | undefined {
    return this.#entries.get(key)
  }

  /** Those that have been connected longest first. */
  values(): TableEntry[] {
    return [...this.#entries.values()]
  }

  /** Adds a connection that has opened; `undefined` when it has closed since. */
  add(connection: Connection, now: number): TableEntry | undefined {
    if (connection.status !== 'open') return undefined // then no event of its end will come
    const key = connection.remotePeer.toString()
    const before = this.#entries.get(key)
    return this.#set(key, [...(before?.connections ?? []), connection], before?.since ?? now)
  }

  /** Takes a connection out. */
  remove(connection: Connection): void {
    const key = connection.remotePeer.toString()
    const before = this.#entries.get(key)
    if (before?.connections.includes(connection) !== true) return
    this.#set(
      key,
      before.connections.filter((other) => other !== connection),
      before.since
    )
  }

  clear(): void {
    this.#entries.clear()
  }

  #set(key: string, connections: readonly Connection[], since: number): TableEntry | undefined {
    const [kept, ...others] = byPreference(this.#own, connections)
    if (kept === undefined) {
      this.#entries.delete(key)
      return undefined
    }
    const subnet = this.#subnetOf(kept.remoteAddr)
    const entry: TableEntry = { key, peerId: kept.remotePeer, since, connections: [kept, ...others], subnet }
    this.#entries.set(key, entry)
    return entry
  }
}
