/** The memory that a process held at a time, in milliseconds. */
export interface MemorySample {
  readonly atMs: number
  readonly bytes: number
}

/** How the memory of a process that lived developed. */
export interface MemoryTrend {
  readonly minutes: number
  /** Slope of the line that fits best, by least squares, but for the first third. */
  readonly growthMiBPerMinute: number
  /** The least in the second third of its life, and in the last. */
  readonly floorsMiB: readonly [number, number]
}

const MIB = 1024 * 1024
const MINUTE_MS = 60_000

/**
 * How the memory of a process developed, but for the first third of its life, in which caches and buffers fill and V8 compiles what is used. `undefined` for
 * fewer than ten samples.
 */
export function memoryTrend(samples: readonly MemorySample[]): MemoryTrend | undefined {
  const first = samples[0]?.atMs ?? 0
  const last = samples.at(-1)?.atMs ?? 0
  const fitted = samples.filter(({ atMs }) => atMs >= first + (last - first) / 3)
  if (fitted.length < 10) return undefined
  const floorOf = (part: readonly MemorySample[]) => Math.min(...part.map(({ bytes }) => bytes)) / MIB
  const middle = first + ((last - first) * 2) / 3
  const floors = [fitted.filter(({ atMs }) => atMs < middle), fitted.filter(({ atMs }) => atMs >= middle)] as const
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const minutes = fitted.map(({ atMs }) => atMs / MINUTE_MS)
  const sizes = fitted.map(({ bytes }) => bytes / MIB)
  const [meanMinute, meanMiB] = [mean(minutes), mean(sizes)]
  const spread = minutes.reduce((sum, minute) => sum + (minute - meanMinute) ** 2, 0)
  const covariance = minutes.reduce((sum, minute, at) => sum + (minute - meanMinute) * ((sizes[at] ?? 0) - meanMiB), 0)
  return {
    minutes: (last - first) / MINUTE_MS,
    growthMiBPerMinute: spread === 0 ? 0 : covariance / spread,
    floorsMiB: [floorOf(floors[0]), floorOf(floors[1])]
  }
}
