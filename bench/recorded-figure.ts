import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'
import type { Figure } from './figure.ts'

/** What a figure was measured on, and when. */
export interface Machine {
  /** The day, as in 2026-01-31. */
  readonly date: string
  readonly node: string
  readonly processor: string
  readonly cores: number
  readonly memoryGiB: number
  readonly runs: number
  /** How many processes wanted a core, in the minute before the benchmark and in its last one: its own are among these. */
  readonly load: readonly [number, number]
}

/** A figure as `--json` writes it. */
export interface RecordedFigure extends Figure {
  readonly met?: boolean | undefined
  readonly machine: Machine
}

/** The machine that this process runs on, now. @param loadBefore of the minute before the benchmark */
export function machineNow(runs: number, loadBefore: number): Machine {
  return {
    date: new Date().toISOString().slice(0, 10),
    node: process.versions.node,
    processor: cpus()[0]?.model ?? 'unknown processor',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    runs,
    load: [loadBefore, loadNow()]
  }
}

/** Processes that wanted a core in the last minute. */
export function loadNow(): number {
  return Math.round((loadavg()[0] ?? 0) * 10) / 10
}
