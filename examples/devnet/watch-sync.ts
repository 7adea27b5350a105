import type { SomaNode } from '../../src/node/soma-node.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import type { CatchUp, SyncProgress } from './node-protocol.ts'

/** Milliseconds between looks at the watermark: what the catch-up is measured to. */
const LOOK_MS = 10
/** Milliseconds between reports of progress. */
const REPORT_MS = 200

/** What a sync is watched for. */
export interface SyncWatcher {
  /** When the node was started, by the monotonic clock. */
  readonly startedAt: number
  /** The commit at which the node has caught up. */
  readonly target: number
  readonly highestExecuted: () => number
  /** Called several times a second. */
  readonly onProgress: (progress: SyncProgress) => void
  /** Called once, when the node holds every commit up to the target. */
  readonly onCaughtUp: (catchUp: CatchUp) => void
}

/**
 * Tells how the sync of a node gets on.
 *
 * @throws the signal's reason
 */
export async function watchSync(
  node: Pick<SomaNode, 'store' | 'status'>,
  watcher: SyncWatcher,
  signal: AbortSignal
): Promise<void> {
  const lacking = watcher.target - node.store.watermarks.highestSynced.index
  let reported = Number.NEGATIVE_INFINITY
  let reachedAt: number | undefined
  let caughtUp = false
  while (true) {
    const now = systemClock.monotonic()
    if (node.store.watermarks.highestSynced.index >= watcher.target) reachedAt ??= now
    if ((reachedAt !== undefined && !caughtUp) || now >= reported + REPORT_MS) {
      reported = now
      const { highestSynced, synced, bytesInFlight, peers } = await node.status()
      const highestExecuted = watcher.highestExecuted()
      watcher.onProgress({
        highestSynced: highestSynced.index,
        highestExecuted,
        ...synced,
        bytesInFlight,
        peers: peers.length
      })
      // What is stored is counted a moment later.
      if (reachedAt !== undefined && !caughtUp && synced.commits >= lacking) {
        caughtUp = true
        watcher.onCaughtUp({ seconds: (reachedAt - watcher.startedAt) / 1000, ...synced })
      }
    }
    await systemClock.sleep(caughtUp ? REPORT_MS : LOOK_MS, { signal })
  }
}
