import type { AbortOptions } from '@libp2p/interface'
import type { CommittedSubDag } from '../consensus/committed-sub-dag.ts'

/** How a subscriber wants its commits. */
export interface SubscribeOptions extends AbortOptions {
  /**
   * Name of a durable cursor: it outlives restarts and holds back pruning. Taking the next commit says that the one before is consumed; the
   * position is stored at least every 100 commits, every second, and when the iteration ends. Without a name nothing is kept.
   */
  name?: string
  /**
   * First commit wanted. With a name it overrides the stored position: for subscribers that keep their own, atomically with their effects.
   *
   * @default the commit after the stored position, or the lowest available commit
   */
  from?: number
}

/** Hands stored commits to subscribers: each in order, without a gap, at the subscriber's own pace. */
export interface Delivery {
  /**
   * An iteration over every commit from `from` on: history from the store, then live. It ends when the signal aborts or the node
   * stops, and holds at most one commit in memory.
   *
   * @throws {DeliveryError} while iterating: `COMMIT_PRUNED` when the wanted commit is no longer in the store, `CURSOR_BUSY` when another
   * subscriber holds the cursor of that name, `CURSOR_INVALID` for a bad name or `from`
   */
  subscribe(options?: SubscribeOptions): AsyncIterable<CommittedSubDag>

  /** Wakes subscribers: the store's watermark has moved. */
  advance(): void

  /**
   * Prunes below a commit, but never past a registered cursor unless forced: then its subscriber gets `COMMIT_PRUNED`.
   *
   * @returns the lowest available commit
   */
  prune(index: number, options?: { force?: boolean }): Promise<number>

  /** Positions of durable cursors and of live subscribers without a name (as `subscriber-<n>`). */
  positions(): Promise<ReadonlyMap<string, number>>

  /** The lowest position of a registered durable cursor, or `undefined` when there is none. */
  slowest(): Promise<number | undefined>

  /** Ends every subscription and stores the cursors. */
  stop(): Promise<void>
}
