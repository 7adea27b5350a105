import type { SomaNode } from '../../src/node/soma-node.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import type { CatchUp, SyncProgress } from './node-protocol.ts'

/** Milliseconds between looks at the watermark: what the catch-up is measured to. */
const LOOK_MS = 10
/** Milliseconds between reports of progress. */
const REPORT_MS = 200

/** What {@link watchSync} tells. */
export interface SyncWatcher {
  readonly onProgress: (progress: SyncProgress) => void
  readonly onCaughtUp: (catchUp: CatchUp) => void
}

/**
 * Watches a node that was just started: tells how it gets on, and, once, what it took until it held every commit up to `target`.
 *
 * @throws the signal's reason
 */
export async function watchSync(
  node: SomaNode,
  init: { target: number; highestExecuted: () => number } & SyncWatcher,
  signal: AbortSignal
): Promise<void> {
  const started = systemClock.monotonic()
  let reported = Number.NEGATIVE_INFINITY
  let caughtUp = false
  while (true) {
    const now = systemClock.monotonic()
    const reached = !caughtUp && node.store.watermarks.highestSynced.index >= init.target
    if (reached || now >= reported + REPORT_MS) {
      reported = now
      const { highestSynced, synced, bytesInFlight, peers } = await node.status()
      const highestExecuted = init.highestExecuted()
      init.onProgress({
        highestSynced: highestSynced.index,
        highestExecuted,
        ...synced,
        bytesInFlight,
        peers: peers.length
      })
      if (reached) {
        caughtUp = true
        init.onCaughtUp({ seconds: (now - started) / 1000, ...synced })
      }
    }
    await systemClock.sleep(caughtUp ? REPORT_MS : LOOK_MS, { signal })
  }
}
