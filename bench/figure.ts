/** One measured figure beside its limit or peer. */
export interface Figure {
  readonly benchmark: string
  readonly case: string
  /** Median of the runs. */
  readonly value: number
  readonly unit: string
  /** Lowest and highest of the runs. */
  readonly spread: readonly [number, number]
  /** What it is compared with, measured in the same run. */
  readonly against: string
  readonly againstValue: number
  /** `value / againstValue`. */
  readonly ratio: number
  /** What the ratio should be. @default it is reported, and nothing is expected of it */
  readonly goal?: Goal
}

/** A bound of a figure's ratio. */
export type Goal = { readonly least: number } | { readonly most: number }

/** Whether a figure is what it should be; `undefined` where nothing is expected. */
export function isMet({ ratio, goal }: Figure): boolean | undefined {
  if (goal === undefined) return undefined
  return 'least' in goal ? ratio >= goal.least : ratio <= goal.most
}

/** What a benchmark is given. */
export interface BenchContext {
  /** A directory of its own, removed afterwards. */
  readonly directory: string
  readonly runs: number
  /** Small and quick: only to see that it works. */
  readonly smoke: boolean
  readonly log: (line: string) => void
}

/** The middle value; the mean of the two middle ones of an even number. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const upper = sorted[Math.floor(middle)] ?? Number.NaN
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? Number.NaN) + upper) / 2 : upper
}

/** The value below which such a part of them lies. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
}

/** What a figure is made from: the values of all runs, and those of what it is compared with. */
export interface Comparison extends Pick<Figure, 'benchmark' | 'case' | 'unit' | 'against'> {
  readonly values: readonly number[]
  readonly againstValues: readonly number[]
  readonly goal?: Goal | undefined
}

/** The medians of the runs beside each other. */
export function figureBeside({ values, againstValues, goal, ...what }: Comparison): Figure {
  const value = median(values)
  const againstValue = median(againstValues)
  const spread = [Math.min(...values), Math.max(...values)] as const
  return { ...what, value, spread, againstValue, ratio: value / againstValue, ...(goal && { goal }) }
}
