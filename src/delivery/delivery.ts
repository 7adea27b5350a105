import type { AbortOptions } from '@libp2p/interface'
import type { CommittedSubDag } from '../consensus/committed-sub-dag.ts'

/** How a subscriber wants its commits. */
export interface SubscribeOptions extends AbortOptions {
  /**
   * Name of a durable cursor: it outlives restarts and holds back pruning. Taking the next commit says that the one before is consumed; the
   * position is stored at least every 100 commits, every second, and when the iteration ends. A commit that was handed over and not followed
   * by another `next` (an early `break`, a stop of the node) is handed over again. Without a name nothing is kept.
   *
   * 1 to 64 letters, digits, dots, dashes and underscores, a letter or digit first; `subscriber-...` is taken.
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
   * stops, and holds at most one commit in memory: none is read ahead. Each `for await` over what is returned is a subscription of its own.
   *
   * @throws {DeliveryError} while iterating: `COMMIT_PRUNED` when the wanted commit is no longer in the store, `CURSOR_BUSY` when another
   * subscriber holds the cursor of that name, `CURSOR_INVALID` for a bad name or `from`
   * @throws {StorageError} while iterating, when the store cannot read a commit or could not store the position
   */
  subscribe(options?: SubscribeOptions): AsyncIterable<CommittedSubDag>

  /** Wakes subscribers: the store's watermark has moved. */
  advance(): void

  /**
   * Prunes below a commit, but never past a registered cursor or a live subscriber unless forced: then it gets `COMMIT_PRUNED`, and
   * its cursor holds back nothing more until it is set anew, with `from`.
   *
   * @returns the lowest available commit
   */
  prune(index: number, options?: { force?: boolean }): Promise<number>

  /** Positions of durable cursors and of live subscribers without a name (as `subscriber-<n>`). */
  positions(): Promise<ReadonlyMap<string, number>>

  /** The lowest position of a registered durable cursor, or `undefined` when there is none. One that a forced pruning passed does not count. */
  slowest(): Promise<number | undefined>

  /** Ends every subscription and stores the cursors, without waiting for subscribers that are busy with a commit. Idempotent. */
  stop(): Promise<void>
}
