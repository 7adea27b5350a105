import { CORPUS, keepInput, readCorpus } from './corpus.ts'
import { FuzzLane } from './fuzz-lane.ts'
import type { FuzzTarget } from './fuzz-target.ts'

export interface RunTargetsOptions {
  /** URL of a module with the function `targets(): Promise<FuzzTarget[]>`. @default all of this repository */
  readonly module?: string
  /** Inputs of all targets together. */
  readonly inputs: number
  readonly seed: number
  /** Only targets whose name begins so. @default all */
  readonly only?: string | undefined
  /** Threads. @default 2 */
  readonly threads?: number
  /** How long one input may take before it counts as one without an end, in milliseconds. @default 30000 */
  readonly hangMs?: number
  /** The directory of the corpus, which takes what breaks something. @default this repository's */
  readonly corpus?: string
  /** Called about once a second, and at the end of each target. */
  readonly onProgress?: (progress: FuzzProgress) => void
}

export interface FuzzProgress {
  readonly inputs: number
  readonly of: number
  /** Targets under way. */
  readonly targets: readonly string[]
}

/** What a target came to. */
export interface TargetSummary {
  readonly target: string
  readonly seed: number
  readonly inputs: number
  /** Different outcomes seen: codes and fields of refusals. */
  readonly outcomes: number
  readonly seconds: number
  /** What broke; absent where nothing did. */
  readonly error?: string
  /** The files of the inputs that broke it. */
  readonly files?: readonly string[]
}

/** Where all targets of this repository are listed. */
export const ALL_TARGETS: string = new URL('./targets.ts', import.meta.url).href
const PROGRESS_MS = 1_000

/** Runs targets on a few threads, and keeps the inputs that break something. */
export async function runTargets(options: RunTargetsOptions): Promise<TargetSummary[]> {
  const { module = ALL_TARGETS, inputs, seed, only, threads = 2, hangMs = 30_000, corpus = CORPUS } = options
  const { targets }: { targets(): Promise<FuzzTarget[]> } = await import(module)
  const chosen = (await targets()).filter(({ name }) => only === undefined || name.startsWith(only))
  const jobs = shares(chosen, inputs)
  const of = jobs.reduce((sum, job) => sum + job.inputs, 0)
  const summaries: TargetSummary[] = []
  const lanes = new Map<FuzzLane, string>()
  const progress = () => {
    const ended = summaries.reduce((sum, summary) => sum + summary.inputs, 0)
    const underWay = [...lanes.keys()].reduce((sum, lane) => sum + lane.done, 0)
    options.onProgress?.({ inputs: ended + underWay, of, targets: [...lanes.values()] })
  }
  const timer = setInterval(progress, PROGRESS_MS)

  async function work(): Promise<void> {
    const lane = new FuzzLane({ targets: module, hangMs })
    try {
      for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
        lanes.set(lane, job.target)
        const startedMs = performance.now()
        const result = await lane.run({ ...job, seed, corpus: await readCorpus(corpus, job.target) })
        lanes.delete(lane)
        const seconds = Math.round(performance.now() - startedMs) / 1_000
        const summary = { target: job.target, seed, inputs: result.inputs, outcomes: result.outcomes, seconds }
        summaries.push({ ...summary, ...(result.failure && (await kept(job.target, result.failure))) })
        progress()
      }
    } finally {
      lanes.delete(lane)
      await lane.stop()
    }
  }

  async function kept(target: string, { error, inputs: broke }: { error: string; inputs: readonly Uint8Array[] }) {
    return { error, files: await Promise.all(broke.map((input) => keepInput(corpus, target, input, error))) }
  }

  try {
    await Promise.all(Array.from({ length: threads }, work))
  } finally {
    clearInterval(timer)
  }
  return summaries.sort((a, b) => (a.target < b.target ? -1 : 1))
}

/** The inputs of each target by its weight, those that take longest first. */
function shares(targets: readonly FuzzTarget[], inputs: number): { target: string; inputs: number }[] {
  const total = targets.reduce((sum, { weight = 1 }) => sum + weight, 0)
  return targets
    .toSorted((a, b) => (a.weight ?? 1) - (b.weight ?? 1))
    .map(({ name, weight = 1 }) => ({ target: name, inputs: Math.ceil((inputs * weight) / total) }))
}
