import { describeLeft, describeSpeed } from '../../../src/node/watch/progress-watch.ts'
import type { SyncRate } from '../../../src/node/watch/sync-rate.ts'
import type { NodeReport } from '../node-report.ts'

/** A node's status in one line, for a file. */
export function statusLine(
  report: NodeReport,
  { speed, secondsLeft }: Pick<SyncRate, 'speed' | 'secondsLeft'>,
  now: number
): string {
  const { highestSynced, highestKnown, peers, sync, health, executor } = report
  const highest = Math.max(highestKnown, highestSynced.index)
  const ill = Object.entries(health).filter(([part, { state }]) => state !== 'ok' && part !== 'state-sync')
  return [
    `${new Date(now).toISOString()} commit ${highestSynced.index} of ${highest}`,
    describeSpeed(speed),
    ...(highest - highestSynced.index > 5 && sync.waiting === undefined ? [describeLeft(secondsLeft)] : []),
    ...(executor === undefined ? [] : [`executed to ${executor.highestExecuted}`]),
    `${peers.length} peer${peers.length === 1 ? '' : 's'}`,
    ...(sync.waiting === undefined ? [] : [`waits: ${sync.waiting.cause}`]),
    ...ill.map(([part, { state }]) => `${part} ${state}`)
  ].join(', ')
}
