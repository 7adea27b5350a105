import type { Devnet } from './devnet.ts'
import { formatTenths } from './format.ts'
import type { LiveLatency } from './live-latency.ts'
import type { ProgressView } from './progress-view.ts'

/** Milliseconds between looks at the latencies so far, which are sorted for each. */
const SUMMARY_MS = 1_000

/** Lets the full nodes follow the validators for some seconds and measures how far behind their executors are. */
export async function followLive(
  devnet: Devnet,
  { seconds, roundMs }: { seconds: number; roundMs: number },
  view: ProgressView
): Promise<LiveLatency> {
  const latency = devnet.measureLatency()
  if (seconds === 0 || devnet.fullNodes.length === 0) return latency
  view.say(`Following live for ${seconds} s`)
  const end = performance.now() + seconds * 1_000
  const total = Math.round((seconds * 1_000) / roundMs)
  let nextSummary = 0
  await devnet.until(() => {
    const now = performance.now()
    if (now < nextSummary && now < end) return false
    nextSummary = now + SUMMARY_MS
    const { commits, latencyMs } = latency.summary()
    const detail = `${formatTenths(latencyMs.p50)} ms behind the validators (p99 ${formatTenths(latencyMs.p99)} ms)`
    view.show([{ name: 'live', value: commits, total: Math.max(total, commits), detail }])
    return now >= end
  })
  view.settle()
  return latency
}
