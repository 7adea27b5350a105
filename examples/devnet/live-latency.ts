/** What a time of following live took: from the first validator's `sendCommit` to the full nodes' executors. */
export interface LiveSummary {
  /** Commits that were handed in and that every full node executed. */
  readonly commits: number
  /** Over all full nodes; 0 where there is nothing to measure. */
  readonly latencyMs: { readonly p50: number; readonly p99: number }
}

/** Collects when commits were handed in and when they were executed, in whatever order it hears of them. */
export class LiveLatency {
  readonly #from: number
  readonly #fullNodes: number
  readonly #handedIn = new Map<number, number>()
  readonly #executed = new Map<number, number[]>()

  /**
   * @param from the first commit that counts
   * @param fullNodes how many executors are waited for
   */
  constructor(from: number, fullNodes: number) {
    this.#from = from
    this.#fullNodes = fullNodes
  }

  /** A validator has handed in a commit; the first of them counts. */
  handedIn(index: number, at: number): void {
    if (index < this.#from) return
    this.#handedIn.set(index, Math.min(at, this.#handedIn.get(index) ?? Number.POSITIVE_INFINITY))
  }

  /** A full node has executed a commit. */
  executed(index: number, at: number): void {
    if (index < this.#from) return
    const times = this.#executed.get(index)
    if (times === undefined) this.#executed.set(index, [at])
    else times.push(at)
  }

  summary(): LiveSummary {
    const latencies: number[] = []
    let commits = 0
    for (const [index, times] of this.#executed) {
      const handedIn = this.#handedIn.get(index)
      if (handedIn === undefined || times.length < this.#fullNodes) continue
      commits += 1
      for (const time of times) latencies.push(time - handedIn)
    }
    latencies.sort((a, b) => a - b)
    return { commits, latencyMs: { p50: percentile(latencies, 50), p99: percentile(latencies, 99) } }
  }
}

/** The smallest of the sorted values that so many percent of them do not exceed; 0 where there are none. */
export function percentile(sorted: readonly number[], percent: number): number {
  return sorted[Math.max(Math.ceil((sorted.length * percent) / 100) - 1, 0)] ?? 0
}
