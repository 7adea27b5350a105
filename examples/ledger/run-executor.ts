import type { CommittedSubDag } from '../../src/consensus/committed-sub-dag.ts'
import type { SubscribeOptions } from '../../src/delivery/delivery.ts'
import type { ExecutedCommit, Ledger } from './ledger.ts'

/** The name under which the executor's position holds back pruning. */
export const EXECUTOR_CURSOR = 'executor'

/** What an executor runs on. */
export interface ExecutorInit {
  /** Where the commits come from: a `SomaNode`. */
  readonly node: { subscribe(options: SubscribeOptions): AsyncIterable<CommittedSubDag> }
  readonly ledger: Ledger
  /** Ends the executor after the commit at hand. */
  readonly signal: AbortSignal
  /** Called after each commit whose effects are durable. */
  readonly onExecuted?: (commit: ExecutedCommit) => void
}

/**
 * Executes every commit of a node, beginning where the ledger stands. Resolves when the signal aborts or the node stops.
 *
 * Taking the next commit tells the node that the one before may be pruned, so each is durable in the ledger before the next is taken.
 *
 * @throws {DeliveryError} when a commit that the ledger lacks is no longer in the store, or another executor runs on the node
 * @throws {LedgerError} when the ledger cannot execute or keep a commit
 */
export async function runExecutor({ node, ledger, signal, onExecuted }: ExecutorInit): Promise<void> {
  const commits = node.subscribe({ name: EXECUTOR_CURSOR, from: ledger.highestExecuted + 1, signal })
  for await (const subDag of commits) {
    for (const executed of await ledger.execute([subDag])) onExecuted?.(executed)
  }
}
