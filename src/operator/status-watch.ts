import type { NodeStatus } from '../node/soma-node.ts'
import type { Clock } from '../runtime/clock.ts'
import { toError } from '../runtime/soma-error.ts'
import { FreshValue } from './fresh-value.ts'
import { judgeNode, type NodeVerdict, unanswered } from './node-verdict.ts'
import { StatusHistory } from './status-history.ts'

/** What is shown of a node: its status, and what its embedder adds. */
export interface StatusReport extends NodeStatus {
  /** The executor, where the embedder tells of it. */
  readonly executor?: { readonly highestExecuted: number; readonly failure?: string }
}

/** A report with what it comes to. `GET /status` answers it. */
export type JudgedReport<Report extends StatusReport = StatusReport> = Report & {
  /** When it was made, in milliseconds since the Unix epoch. */
  readonly atMs: number
  readonly verdict: NodeVerdict
}

export interface StatusWatchInit {
  readonly report: () => Promise<StatusReport>
  readonly clock: Clock
  /** Milliseconds that the chain may wait before the node is stuck. */
  readonly stuckMs: number
}

/** A quarter of an hour, a moment each second. */
const INTERVAL_MS = 1_000
const CAPACITY = 900
/** However many look, the node is asked four times a second at most. */
export const FRESH_MS = 250
/** A node that says nothing for so long does not answer. */
const ANSWER_MS = 5_000

/** Looks at a node once a second, remembers, and sees when it does not come on. */
export class StatusWatch {
  readonly history: StatusHistory = new StatusHistory({ capacity: CAPACITY, intervalMs: INTERVAL_MS })
  readonly #init: StatusWatchInit
  readonly #asked: FreshValue<JudgedReport>
  /** Its height, and since when it has been behind at that height, by the monotonic clock. */
  #stood: { readonly index: number; readonly since: number } | undefined

  constructor(init: StatusWatchInit) {
    this.#init = init
    this.#asked = new FreshValue(() => this.#ask(), init.clock, FRESH_MS)
  }

  /** Looks until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#init
    while (!signal.aborted) {
      // One that does not answer leaves a gap, and whoever asks is told.
      const report = await this.report().catch(() => undefined)
      if (report !== undefined) this.history.add(report.atMs, report)
      await clock.sleep(INTERVAL_MS, { signal }).catch(() => undefined) // aborted: the loop ends
    }
  }

  /** @throws what the node's report throws, and an error when it does not come in time */
  report(): Promise<JudgedReport> {
    return this.#asked.get()
  }

  async verdict(): Promise<NodeVerdict> {
    try {
      return (await this.report()).verdict
    } catch (thrown) {
      return unanswered(toError(thrown).message)
    }
  }

  async #ask(): Promise<JudgedReport> {
    const { report, clock, stuckMs } = this.#init
    const late = new AbortController()
    const deadline = clock.sleep(ANSWER_MS, { signal: late.signal }).then(
      () => Promise.reject(new Error(`no report within ${ANSWER_MS / 1_000} s`)),
      () => Promise.reject(new Error('the report came in time')) // aborted: nobody waits for it any more
    )
    deadline.catch(() => undefined)
    try {
      const status = await Promise.race([report(), deadline])
      const atMs = clock.now()
      return { ...status, atMs, verdict: judgeNode(status, { atMs, stalledMs: this.#stalledMs(status), stuckMs }) }
    } finally {
      late.abort()
    }
  }

  #stalledMs({ highestSynced: { index }, highestKnown }: StatusReport): number {
    const now = this.#init.clock.monotonic()
    if (highestKnown <= index) this.#stood = undefined
    else if (this.#stood?.index !== index) this.#stood = { index, since: now }
    return this.#stood === undefined ? 0 : now - this.#stood.since
  }
}
