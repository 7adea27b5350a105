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
  let reported = Number.NEGATIVE_INFINITY
  let caughtUp = false
  while (true) {
    const now = systemClock.monotonic()
    const reached = !caughtUp && node.store.watermarks.highestSynced.index >= watcher.target
    if (reached || now >= reported + REPORT_MS) {
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
      if (reached) {
        caughtUp = true
        watcher.onCaughtUp({ seconds: (now - watcher.startedAt) / 1000, ...synced })
      }
    }
    await systemClock.sleep(caughtUp ? REPORT_MS : LOOK_MS, { signal })
  }
}
