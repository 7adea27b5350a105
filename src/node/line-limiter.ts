/** Lines of one sort that are written in each span of time. */
const MOST_LINES = 3
const SPAN_MS = 60_000
/** Sorts that are told apart; beyond them the oldest begins anew. */
const MOST_SORTS = 256

/** Lets a few lines of each sort through, and counts the others: peers can cause some as often as they like. */
export class LineLimiter {
  readonly #sorts = new Map<string, { since: number; written: number; held: number }>()
  readonly #now: () => number

  /** @param now monotonic milliseconds */
  constructor(now: () => number) {
    this.#now = now
  }

  /** @returns how many were held back since the last that was written; `undefined` where this one is held back too */
  admit(sort: string): number | undefined {
    const now = this.#now()
    const before = this.#sorts.get(sort)
    if (before !== undefined && now - before.since < SPAN_MS) {
      if (before.written === MOST_LINES) {
        before.held += 1
        return undefined
      }
      before.written += 1
      return 0
    }
    this.#sorts.delete(sort)
    this.#sorts.set(sort, { since: now, written: 1, held: 0 })
    const [oldest] = this.#sorts.keys()
    if (this.#sorts.size > MOST_SORTS && oldest !== undefined) this.#sorts.delete(oldest)
    return before?.held ?? 0
  }
}
