import type { SyncProgress } from './node-protocol.ts'

/** How fast a sync is, over the last seconds. */
export interface SyncSpeed {
  readonly commitsPerSecond: number
  readonly blocksPerSecond: number
  readonly bytesPerSecond: number
}

/** Milliseconds that a speed is taken over: long enough to be calm, short enough to be true. */
const WINDOW_MS = 3_000

/** Takes reports of a sync and says how fast it is. */
export class SyncRate {
  readonly #reports: { readonly at: number; readonly progress: SyncProgress }[] = []

  add(progress: SyncProgress, at: number): void {
    this.#reports.push({ at, progress })
    while (this.#reports.length > 2 && (this.#reports[1]?.at ?? at) <= at - WINDOW_MS) this.#reports.shift()
  }

  get speed(): SyncSpeed {
    const first = this.#reports.at(0)
    const last = this.#reports.at(-1)
    const seconds = first === undefined || last === undefined ? 0 : (last.at - first.at) / 1000
    const rate = (key: 'commits' | 'blocks' | 'bytes') =>
      seconds === 0 ? 0 : ((last?.progress[key] ?? 0) - (first?.progress[key] ?? 0)) / seconds
    return { commitsPerSecond: rate('commits'), blocksPerSecond: rate('blocks'), bytesPerSecond: rate('bytes') }
  }
}
