import type { Connection, PeerId } from '@libp2p/interface'
import { isSmaller } from '../rpc/preferred-connection.ts'
import type { Clock } from '../runtime/clock.ts'
import { TaskGroup } from '../runtime/task-group.ts'
import type { ConnectionTable } from './connection-table.ts'

/** How often a superfluous connection is looked at, in milliseconds. Before the first time both sides have come to know of the other connection, and prefer it. */
const LOOK_MS = 1_000
/** How long requests under way may keep a superfluous connection, in milliseconds: longer than streams are kept for the next request. */
const GRACE_MS = 60_000
/** The same on the side that leaves the choice to the other, should the other not make it. */
const FOLLOWER_GRACE_MS = 90_000
/** Most connections to one peer that are borne meanwhile. */
const MAX_CONNECTIONS = 4

export interface DuplicateCloserInit {
  readonly own: PeerId
  readonly clock: Clock
  readonly table: ConnectionTable
  readonly close: (connection: Connection) => void
  readonly onFailure: (error: unknown) => void
}

/**
 * Closes all but one of the connections to a peer.
 *
 * Both sides prefer the same one for new streams, by `byPreference`. The others run dry, and the side with the smaller peer id closes them then: were
 * it both, then two that do not agree for once, about what came first say, would be left with none.
 */
export class DuplicateCloser {
  readonly #init: DuplicateCloserInit
  /** Peers whose connections are being looked at. */
  readonly #settling = new Set<string>()
  #tasks: TaskGroup

  constructor(init: DuplicateCloserInit) {
    this.#init = init
    this.#tasks = new TaskGroup(init.onFailure)
  }

  start(): void {
    this.#tasks = new TaskGroup(this.#init.onFailure)
  }

  async stop(): Promise<void> {
    await this.#tasks.stop(new Error('this node is stopping'))
    this.#settling.clear()
  }

  /** Takes note that there may be several connections to a peer. */
  settle(key: string): void {
    const [, ...others] = this.#init.table.get(key)?.connections ?? []
    if (others.length === 0) return
    for (const surplus of others.slice(MAX_CONNECTIONS - 1)) this.#init.close(surplus)
    if (this.#settling.has(key)) return
    this.#settling.add(key)
    this.#tasks.run((signal) => this.#settle(key, signal).finally(() => this.#settling.delete(key)))
  }

  async #settle(key: string, signal: AbortSignal): Promise<void> {
    const { own, clock, table, close } = this.#init
    const since = clock.monotonic()
    for (;;) {
      await clock.sleep(LOOK_MS, { signal })
      const entry = table.get(key)
      if (entry === undefined || entry.connections.length === 1) return
      const decides = isSmaller(own, entry.peerId)
      const isOver = clock.monotonic() - since >= (decides ? GRACE_MS : FOLLOWER_GRACE_MS)
      const [, ...others] = entry.connections
      for (const connection of others) if (isOver || (decides && connection.streams.length === 0)) close(connection)
    }
  }
}
