import type { Devnet } from './devnet.ts'
import { formatTenths } from './format.ts'
import type { LiveLatency } from './live-latency.ts'
import type { ProgressView } from './progress-view.ts'

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
  await devnet.until(() => {
    const { commits, latencyMs } = latency.summary()
    const detail = `${formatTenths(latencyMs.p50)} ms behind the validators (p99 ${formatTenths(latencyMs.p99)} ms)`
    view.show([{ name: 'live', value: commits, total: Math.max(total, commits), detail }])
    return performance.now() >= end
  })
  view.settle()
  return latency
}
