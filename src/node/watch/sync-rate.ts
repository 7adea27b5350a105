/** What a node has synced since its start. */
export interface SyncAmounts {
  readonly commits: number
  readonly blocks: number
  readonly bytes: number
}

/** How fast a sync is, over the last seconds. */
export interface SyncSpeed {
  readonly commitsPerSecond: number
  readonly blocksPerSecond: number
  readonly bytesPerSecond: number
}

/** Milliseconds that a speed is taken over, as a rule: long enough to be calm, short enough to be true. */
const WINDOW_MS = 3_000

/** Takes reports of a sync and says how fast it is. */
export class SyncRate {
  readonly #windowMs: number
  readonly #reports: { readonly at: number; readonly amounts: SyncAmounts; readonly lag: number }[] = []

  /** @param windowMs milliseconds that the speed is taken over. @default 3000 */
  constructor(windowMs: number = WINDOW_MS) {
    this.#windowMs = windowMs
  }

  /** @param at monotonic milliseconds @param lag commits that are lacking. @default 0 */
  add(amounts: SyncAmounts, at: number, lag: number = 0): void {
    // a node that has begun anew counts anew
    if (amounts.commits < (this.#reports.at(-1)?.amounts.commits ?? 0)) this.#reports.length = 0
    this.#reports.push({ at, amounts, lag })
    while (this.#reports.length > 2 && (this.#reports[1]?.at ?? at) <= at - this.#windowMs) this.#reports.shift()
  }

  /** Seconds until nothing is lacking, at the pace at which it has become less: the chain goes on meanwhile. `Infinity` where it has not. */
  get secondsLeft(): number {
    const first = this.#reports.at(0)
    const last = this.#reports.at(-1)
    if (first === undefined || last === undefined || last.lag === 0) return 0
    const gained = first.lag - last.lag
    return gained <= 0 ? Number.POSITIVE_INFINITY : (last.lag * (last.at - first.at)) / gained / 1000
  }

  get speed(): SyncSpeed {
    const first = this.#reports.at(0)
    const last = this.#reports.at(-1)
    const seconds = first === undefined || last === undefined ? 0 : (last.at - first.at) / 1000
    const rate = (key: keyof SyncAmounts) =>
      seconds === 0 ? 0 : ((last?.amounts[key] ?? 0) - (first?.amounts[key] ?? 0)) / seconds
    return { commitsPerSecond: rate('commits'), blocksPerSecond: rate('blocks'), bytesPerSecond: rate('bytes') }
  }
}
