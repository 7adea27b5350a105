import { type CommittedSubDag, subDagBytes } from '../../src/consensus/committed-sub-dag.ts'
import type { SomaNode } from '../../src/node/soma-node.ts'
import type { EpochHandOver, ExecutedCommit, Ledger } from './ledger.ts'

/** The name under which the executor's position holds back pruning. */
const CURSOR = 'executor'
/** Commits of one write while the executor catches up: a durable write costs the disk as much for one commit as for many. */
const MAX_GROUP_COMMITS = 64
/**
 * Bytes at which a group is full, so that large commits do not pile up in memory, and one write keeps the event loop from other
 * work briefly only: at most what is read at once comes on top.
 */
const MAX_GROUP_BYTES = 1024 * 1024

/** Commits that are read at once. */
const MAX_READS = 16

/** What an executor runs on. */
export interface ExecutorInit {
  readonly node: {
    readonly store: Pick<SomaNode['store'], 'getSubDag' | 'watermarks'>
    readonly subscribe: SomaNode['subscribe']
    readonly insertCommittee: SomaNode['insertCommittee']
  }
  readonly ledger: Ledger
  /** Ends the executor after the commits at hand. */
  readonly signal: AbortSignal
  /** Called after each commit whose effects are durable. */
  readonly onExecuted?: (commit: ExecutedCommit) => void
}

/**
 * Executes every commit of a node, beginning where the ledger stands. Resolves when the signal aborts or the node stops.
 *
 * Taking a commit from the subscription tells the node that those before may be pruned, so the ones after it are read ahead from the store,
 * and the subscription begins anew behind them: until they are durable in the ledger, the cursor stays where it was.
 *
 * After the last commit of each epoch it tells the node who comes next: it may be what the sync waits for.
 *
 * @throws {DeliveryError} when a commit that the ledger lacks is no longer in the store, or another executor runs on the node
 * @throws {StorageError} when the store cannot read
 * @throws {SyncError} when the chain has another next committee, or another end of the epoch, than the ledger
 * @throws {LedgerError} when the ledger cannot execute or keep a commit
 */
export async function runExecutor({ node, ledger, signal, onExecuted }: ExecutorInit): Promise<void> {
  await ledger.recover()
  await insertAgain(node, ledger, signal)
  let behind = true
  while (behind && !signal.aborted) {
    behind = false
    for await (const first of node.subscribe({ name: CURSOR, from: ledger.highestExecuted + 1, signal })) {
      const group = await readAhead(node.store, first)
      const executed = await ledger.execute(group, { onExecuted })
      for (const { handOver } of executed) if (handOver !== undefined) await insert(node, handOver)
      behind = group.length > 1
      if (behind) break
    }
  }
}

/**
 * Tells the node of the changes of epoch that the ledger has executed, and the node may lack: the process ended between the two, or the chain is being
 * synced anew beneath the ledger.
 */
async function insertAgain(node: ExecutorInit['node'], ledger: Ledger, signal: AbortSignal): Promise<void> {
  const lacking: EpochHandOver[] = []
  for (let epoch = ledger.epoch - 1; epoch >= 0; epoch--) {
    const handOver = await ledger.getHandOver(epoch)
    if (handOver === undefined || handOver.lastCommit.index < node.store.watermarks.highestSynced.index) break
    lacking.unshift(handOver)
  }
  for (const handOver of lacking) {
    for await (const _ of node.subscribe({ from: handOver.lastCommit.index, signal })) {
      await insert(node, handOver)
      break
    }
  }
}

/** The node compares the committee with what the chain proves, or goes on with it where it proves nothing. */
function insert(node: ExecutorInit['node'], { nextCommittee, lastCommit }: EpochHandOver): Promise<unknown> {
  return node.insertCommittee(nextCommittee, lastCommit)
}

/** The commit and those that directly follow it in the store, up to a group's size. */
async function readAhead(store: ExecutorInit['node']['store'], first: CommittedSubDag): Promise<CommittedSubDag[]> {
  const group = [first]
  let bytes = subDagBytes(first)
  while (group.length < MAX_GROUP_COMMITS && bytes < MAX_GROUP_BYTES) {
    const room = Math.floor((MAX_GROUP_BYTES - bytes) / (bytes / group.length)) // for commits like those so far
    const count = Math.max(1, Math.min(room, MAX_READS, MAX_GROUP_COMMITS - group.length))
    const start = first.commit.ref.index + group.length
    const read = await Promise.all(Array.from({ length: count }, (_, at) => store.getSubDag(start + at)))
    for (const subDag of read) {
      if (subDag === undefined) return group
      group.push(subDag)
      bytes += subDagBytes(subDag)
    }
  }
  return group
}
