import { SyncRate } from '../../src/node/watch/sync-rate.ts'
import type { Devnet, DevnetMember } from './devnet.ts'
import { DevnetError } from './devnet-error.ts'
import { formatCount, formatMebibytes, formatNumber, formatSeconds } from './format.ts'
import { quoteLastWords } from './node-process.ts'
import type { ProgressRow, ProgressView } from './progress-view.ts'
import { StallWatch } from './stall-watch.ts'

/** A full node that neither fetches nor stores anything for so long has stalled, however slow its link. */
const STALL_MS = 60_000

/**
 * Shows how the full nodes catch up, and waits until they follow live: the commits of one second at most behind the validators, and all of
 * them executed.
 *
 * @throws {DevnetError} `DEVNET_STALLED`
 */
export async function watchCatchUp(devnet: Devnet, roundMs: number, view: ProgressView): Promise<void> {
  const slack = Math.ceil(1_000 / roundMs)
  const watches = devnet.fullNodes.map((member) => ({
    member,
    rate: new SyncRate(),
    stall: new StallWatch<string>(STALL_MS)
  }))
  await devnet.until(() => {
    const now = performance.now()
    view.show(watches.map(({ member, rate }) => catchUpRow(member, rate, devnet.tip, now)))
    for (const { member, stall } of watches) {
      const { highestSynced = 0, highestExecuted = 0, bytesInFlight = 0, peers = 0 } = member.progress ?? {}
      if (!stall.isStalled(`${highestSynced} ${highestExecuted} ${bytesInFlight}`)) continue
      throw new DevnetError(
        'DEVNET_STALLED',
        `${member.name} has stood at commit ${highestSynced} of ${devnet.tip} (executed: ${highestExecuted}) for ${STALL_MS / 1000} s, with ${formatCount(peers, 'peer')}${quoteLastWords(member.process)}`
      )
    }
    return devnet.fullNodes.every(
      ({ catchUp, progress }) => catchUp !== undefined && (progress?.highestExecuted ?? 0) >= devnet.tip - slack
    )
  })
  view.settle()
}

function catchUpRow({ name, progress }: DevnetMember, rate: SyncRate, tip: number, now: number): ProgressRow {
  if (progress === undefined) return { name, value: 0, total: tip, detail: '' }
  rate.add(progress, now)
  const { commitsPerSecond, blocksPerSecond, bytesPerSecond } = rate.speed
  const value = Math.min(progress.highestSynced, tip)
  const missing = tip - value
  const unexecuted = progress.highestSynced - progress.highestExecuted
  const facts = [
    `${formatNumber(blocksPerSecond)} blocks/s`,
    `${formatMebibytes(bytesPerSecond)} MiB/s`,
    formatCount(progress.peers, 'peer'),
    `${formatSeconds(missing === 0 ? 0 : missing / commitsPerSecond)} left`,
    `${formatNumber(unexecuted)} to execute`
  ]
  return { name, value, total: Math.max(tip, value), detail: facts.join(', ') }
}
