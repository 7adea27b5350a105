import type { StatusReport } from './status-watch.ts'

/** What is kept of each moment. */
export type HistoryColumn =
  | 'highestSynced'
  | 'highestKnown'
  | 'highestExecuted'
  | 'blocks'
  | 'bytes'
  | 'bytesInFlight'
  | 'rangesInFlight'
  | 'peers'

const COLUMNS: Readonly<Record<HistoryColumn, (report: StatusReport) => number | null>> = {
  highestSynced: ({ highestSynced }) => highestSynced.index,
  highestKnown: ({ highestKnown }) => highestKnown,
  highestExecuted: ({ executor, cursors }) => executor?.highestExecuted ?? lowest(Object.values(cursors)),
  blocks: ({ synced }) => synced.blocks,
  bytes: ({ synced }) => synced.bytes,
  bytesInFlight: ({ bytesInFlight }) => bytesInFlight,
  rangesInFlight: ({ rangesInFlight }) => rangesInFlight,
  peers: ({ peers }) => peers.length
}

/** What `GET /history` answers: the moments from a number on, oldest first, in columns of the same length. */
export interface HistoryReport {
  /** The number of the first moment here; they are counted from the start of the server. */
  readonly from: number
  /** Milliseconds between moments; a node that is slow to answer leaves gaps. */
  readonly intervalMs: number
  /** Milliseconds since the Unix epoch. */
  readonly atMs: readonly number[]
  /** `null` where a moment does not know: of a node without an executor, say. */
  readonly columns: Readonly<Record<HistoryColumn, readonly (number | null)[]>>
}

interface Moment {
  readonly atMs: number
  readonly values: readonly (number | null)[]
}

/** The last moments of a node, so many of them. */
export class StatusHistory {
  readonly #capacity: number
  readonly #intervalMs: number
  /** A ring: that of number n is at n modulo the capacity. */
  readonly #moments: Moment[] = []
  #count = 0

  constructor({ capacity, intervalMs }: { capacity: number; intervalMs: number }) {
    this.#capacity = capacity
    this.#intervalMs = intervalMs
  }

  add(atMs: number, report: StatusReport): void {
    this.#moments[this.#count % this.#capacity] = {
      atMs,
      values: Object.values(COLUMNS).map((of) => of(report))
    }
    this.#count += 1
  }

  /** The moments from a number on. Where that is none of those that are kept, nor the next, all of them. */
  since(number: number): HistoryReport {
    const oldest = Math.max(0, this.#count - this.#capacity)
    const from = number >= oldest && number <= this.#count ? Math.floor(number) : oldest
    const moments = Array.from(
      { length: this.#count - from },
      (_, at) => this.#moments[(from + at) % this.#capacity] as Moment
    )
    return {
      from,
      intervalMs: this.#intervalMs,
      atMs: moments.map(({ atMs }) => atMs),
      columns: Object.fromEntries(
        Object.keys(COLUMNS).map((name, at) => [name, moments.map(({ values }) => values[at] ?? null)])
      ) as Record<HistoryColumn, (number | null)[]>
    }
  }
}

function lowest(positions: readonly number[]): number | null {
  return positions.length === 0 ? null : Math.min(...positions)
}
