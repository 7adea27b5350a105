import type { Clock } from '../../runtime/clock.ts'
import type { Health } from '../../runtime/health.ts'
import type { SyncWait } from '../../state-sync/index.ts'
import type { NodeEvents } from '../node-events.ts'
import { ChainWatch } from './chain-watch.ts'
import { CompanyWatch } from './company-watch.ts'
import { HealthWatch } from './health-watch.ts'
import { ProgressWatch } from './progress-watch.ts'
import { StuckWatch } from './stuck-watch.ts'
import type { SyncAmounts } from './sync-rate.ts'

/** Milliseconds between looks. */
const LOOK_MS = 1_000

/** What a node looks like at the moment. */
export interface NodeView {
  readonly connected: number
  readonly knownPeers: number
  readonly highestSynced: number
  readonly highestKnown: number
  readonly synced: SyncAmounts
  readonly waiting: SyncWait | undefined
  readonly health: Readonly<Record<string, Health>>
}

export interface NodeWatchInit {
  readonly clock: Clock
  readonly events: NodeEvents
  readonly view: () => NodeView
  /** Milliseconds that the chain may stand before it is told. */
  readonly stuckMs: number
}

/** Looks at a node once a second, and tells what of it has changed. */
export class NodeWatch {
  readonly #init: NodeWatchInit
  readonly #stuck: StuckWatch
  readonly #health = new HealthWatch()
  readonly #company = new CompanyWatch()
  readonly #chain = new ChainWatch()
  readonly #progress = new ProgressWatch()

  constructor(init: NodeWatchInit) {
    this.#init = init
    this.#stuck = new StuckWatch(init.stuckMs)
  }

  /** Runs until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#init
    while (!signal.aborted) {
      await clock.sleep(LOOK_MS, { signal }).catch(() => undefined) // aborted: the loop ends
      if (!signal.aborted) this.look()
    }
  }

  look(): void {
    const { clock, events, view } = this.#init
    const seen = view()
    const { connected, knownPeers, highestSynced, waiting, health } = seen
    const now = clock.monotonic()
    const found = [
      ...this.#health.look(health, now),
      this.#company.look(connected, knownPeers, now),
      this.#chain.look(seen, now),
      this.#stuck.look(waiting, highestSynced, now, clock.now())
    ]
    for (const event of found) events.add(event)
    events.mention(this.#progress.look(seen, this.#chain.isBehind && waiting === undefined, now))
    events.sum()
  }
}
