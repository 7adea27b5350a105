import type { NewEvent } from '../node-events.ts'
import { formatSpan } from './format-span.ts'

/** A node that lacks so many commits is behind: at the tip there are a few on their way. */
const BEHIND_COMMITS = 50
/** Milliseconds that it has to be behind, once it was at the tip: a burst is no outage. */
const BEHIND_MS = 5_000
/** At the tip is who lacks no more than this: the others are on their way. */
const TIP_COMMITS = 5

/** Where the chain stands here, and elsewhere. */
export interface ChainView {
  readonly highestSynced: number
  /** 0 while no peer has said what it has. */
  readonly highestKnown: number
}

/** Tells when a node is far behind the chain, and when it has caught up. */
export class ChainWatch {
  #state: 'unknown' | 'at-tip' | 'behind' = 'unknown'
  #behindSince: number | undefined
  #from = 0

  /** Whether the node is catching up. */
  get isBehind(): boolean {
    return this.#state === 'behind'
  }

  /** @param now monotonic milliseconds */
  look({ highestSynced, highestKnown }: ChainView, now: number): NewEvent | undefined {
    if (highestKnown === 0) return undefined
    const lag = highestKnown - highestSynced
    if (lag <= TIP_COMMITS) return this.#reached(highestSynced, now)
    if (this.#state === 'behind') return undefined
    if (lag < BEHIND_COMMITS) {
      this.#behindSince = undefined
      return undefined
    }
    this.#behindSince ??= now
    const isStart = this.#state === 'unknown'
    if (!isStart && now - this.#behindSince < BEHIND_MS) return undefined
    this.#state = 'behind'
    this.#from = highestSynced
    const text = `${isStart ? 'behind' : 'fell behind'}: at commit ${highestSynced} of ${highestKnown}, ${lag} to go; catching up`
    return {
      level: isStart ? 'info' : 'warn',
      kind: 'fell-behind',
      text,
      data: { commit: highestSynced, highestKnown, lag }
    }
  }

  #reached(commit: number, now: number): NewEvent | undefined {
    const before = this.#state
    const tookMs = Math.round(now - (this.#behindSince ?? now))
    this.#state = 'at-tip'
    this.#behindSince = undefined
    if (before === 'at-tip') return undefined
    if (before === 'unknown')
      return { level: 'info', kind: 'caught-up', text: `at the tip: commit ${commit}`, data: { commit } }
    const commits = commit - this.#from
    const text = `caught up at commit ${commit}: ${commits} commits in ${formatSpan(tookMs)}`
    return { level: 'info', kind: 'caught-up', text, data: { commit, commits, tookMs } }
  }
}
