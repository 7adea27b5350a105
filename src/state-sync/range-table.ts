import { type CompleteCommit, Range } from './range.ts'

/** How far ranges may be planned. */
export interface PlanLimits {
  readonly commitsPerRange: number
  readonly maxRanges: number
  /** No range goes above it. */
  readonly ceiling: number
}

/**
 * The ranges under way: consecutive, disjoint, from the commit after the stored ones upwards. No commit is ever in two of them, so none is fetched twice at once.
 */
export class RangeTable {
  #ranges: Range[] = []

  get size(): number {
    return this.#ranges.length
  }

  get ranges(): readonly Range[] {
    return this.#ranges
  }

  /** The range that everything above waits for. */
  get lowest(): Range | undefined {
    return this.#ranges[0]
  }

  /** Ranges that somebody could be asked for, the lowest first. */
  get askable(): Range[] {
    return this.#ranges.filter(({ state }) => state.name === 'waiting' || state.name === 'failed')
  }

  /**
   * Adds one range: the lowest gap below or between those planned, or the next above them.
   *
   * @param after the highest commit stored, or on its way into the store
   * @returns `undefined` when the limits leave none
   */
  plan(after: number, highest: number, limits: PlanLimits): Range | undefined {
    if (this.#ranges.length >= limits.maxRanges) return undefined
    let start = after + 1
    let position = 0
    for (const range of this.#ranges) {
      if (start < range.start) break
      start = Math.max(start, range.end + 1)
      position += 1
    }
    const above = this.#ranges[position]
    const end = Math.min(
      start + limits.commitsPerRange - 1,
      highest,
      limits.ceiling,
      above === undefined ? Number.POSITIVE_INFINITY : above.start - 1
    )
    if (end < start) return undefined
    const range = new Range(start, end)
    this.#ranges.splice(position, 0, range)
    return range
  }

  /** Drops a range that was not begun, such as one beyond what any peer claims. */
  drop(range: Range): void {
    this.#ranges = this.#ranges.filter((other) => other !== range)
  }

  /**
   * Takes complete commits in order, from `next` on, up to about `maxBytes` and `maxCommits`; at least one if there is one.
   * Commits below `next` (local consensus was faster) are taken and left out.
   */
  take(next: number, maxCommits: number, maxBytes: number): { commits: CompleteCommit[]; skippedBytes: number } {
    const commits: CompleteCommit[] = []
    let bytes = 0
    let skippedBytes = 0
    let wanted = next
    for (let range = this.lowest; range !== undefined; range = this.lowest) {
      if (range.next > wanted) break
      if (range.end < wanted) {
        skippedBytes += range.abandon() // all of it came another way, whether or not a peer still has its blocks
        this.#ranges.shift()
        continue
      }
      const complete = commits.length < maxCommits && bytes < maxBytes ? range.take() : undefined
      if (complete === undefined) break
      if (complete.commit.ref.index < wanted) skippedBytes += complete.budgetBytes
      else {
        commits.push(complete)
        bytes += complete.budgetBytes
        wanted += 1
      }
      if (range.isTaken) this.#ranges.shift()
    }
    return { commits, skippedBytes }
  }
}
