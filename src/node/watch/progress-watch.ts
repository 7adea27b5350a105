import type { NewEvent } from '../node-events.ts'
import type { ChainView } from './chain-watch.ts'
import { formatSpan } from './format-span.ts'
import { type SyncAmounts, SyncRate, type SyncSpeed } from './sync-rate.ts'

/** Milliseconds between two lines about how far a node is: six a minute, readable over a shoulder. */
const INTERVAL_MS = 10_000

/** Tells now and then how a node that is behind comes on. */
export class ProgressWatch {
  readonly #rate = new SyncRate(INTERVAL_MS)
  #nextAt: number | undefined

  /** @param isBehind whether there is anything to tell @param now monotonic milliseconds */
  look(
    view: ChainView & { readonly synced: SyncAmounts; readonly connected: number },
    isBehind: boolean,
    now: number
  ): NewEvent | undefined {
    this.#rate.add(view.synced, now, Math.max(0, view.highestKnown - view.highestSynced))
    if (!isBehind) {
      this.#nextAt = undefined
      return undefined
    }
    this.#nextAt ??= now + INTERVAL_MS
    if (now < this.#nextAt) return undefined
    this.#nextAt = now + INTERVAL_MS
    const { highestSynced, highestKnown, connected } = view
    const { speed } = this.#rate
    const secondsLeft = Math.ceil(this.#rate.secondsLeft)
    const share = ((100 * highestSynced) / highestKnown).toFixed(1)
    const peers = `${connected} peer${connected === 1 ? '' : 's'}`
    return {
      level: 'info',
      kind: 'progress',
      text: `catching up: commit ${highestSynced} of ${highestKnown} (${share} %), ${describeSpeed(speed)}, ${peers}, ${describeLeft(secondsLeft)}`,
      data: {
        commit: highestSynced,
        highestKnown,
        commitsPerSecond: Math.round(speed.commitsPerSecond),
        ...(Number.isFinite(secondsLeft) && { secondsLeft })
      }
    }
  }
}

/** How fast, for people. */
export function describeSpeed({ commitsPerSecond, blocksPerSecond, bytesPerSecond }: SyncSpeed): string {
  const commits = commitsPerSecond >= 10 ? commitsPerSecond.toFixed(0) : commitsPerSecond.toFixed(1)
  // what local consensus hands in is not synced
  if (blocksPerSecond === 0 && commitsPerSecond > 0) return `${commits} commits/s`
  return `${commits} commits/s, ${blocksPerSecond.toFixed(0)} blocks/s, ${(bytesPerSecond / 1024 ** 2).toFixed(1)} MiB/s`
}

/** How long it will take, for people. */
export function describeLeft(seconds: number): string {
  return Number.isFinite(seconds) ? `${formatSpan(seconds * 1_000)} left` : 'not gaining'
}
