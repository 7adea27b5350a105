import type { Logger } from 'pino'
import type { Clock } from '../../src/runtime/clock.ts'
import type { NodeReport } from './node-report.ts'

/** Milliseconds between two lines about how far a node is: six a minute, readable over a shoulder. */
const PROGRESS_INTERVAL_MS = 10_000
/** Milliseconds between two looks at a node's health. */
const HEALTH_INTERVAL_MS = 1_000

/** Writes how far a node is, whenever that has changed, and every change of its health. Resolves when the signal aborts. */
export async function logNode(init: {
  readonly report: () => Promise<NodeReport>
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly log: Logger
}): Promise<void> {
  const { report, clock, signal, log } = init
  const health = new Map<string, string>()
  let lastProgress = ''
  let nextProgress = clock.monotonic() + PROGRESS_INTERVAL_MS
  while (!signal.aborted) {
    await clock.sleep(HEALTH_INTERVAL_MS, { signal }).catch(() => undefined) // aborted: the loop ends
    if (signal.aborted) return
    const status = await report()
    for (const [part, { state, reason }] of Object.entries(status.health)) {
      const said = reason === undefined ? state : `${state}: ${reason}`
      if (said === (health.get(part) ?? 'ok')) continue
      health.set(part, said)
      const level = state === 'ok' ? 'info' : state === 'degraded' ? 'warn' : 'error'
      log[level]({ part }, `${part} is ${said}`)
    }
    if (clock.monotonic() < nextProgress) continue
    nextProgress += PROGRESS_INTERVAL_MS
    const progress = describeProgress(status)
    if (progress !== lastProgress) log.info(progress)
    lastProgress = progress
  }
}

function describeProgress({ highestSynced, highestKnown, executor, peers }: NodeReport): string {
  const synced = `synced to ${highestSynced.index} of ${Math.max(highestKnown, highestSynced.index)}`
  const executed = executor === undefined ? '' : `, executed to ${executor.highestExecuted}`
  return `${synced}${executed}, ${peers.length} ${peers.length === 1 ? 'peer' : 'peers'}`
}
