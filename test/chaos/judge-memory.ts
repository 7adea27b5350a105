import type { MemoryTrend } from './memory-trend.ts'

/** The memory of a process that lived from beginning to end. */
export interface ProcessMemory {
  readonly node: string
  /** What it held once its garbage was collected. */
  readonly held: MemoryTrend
  /** Of that, the heap of V8 and the buffers beside it. */
  readonly heap: MemoryTrend
  /** The most that was resident, garbage and mapped files and all. */
  readonly mostMiB: number
}

/**
 * From the second third of a life to the last, so much more is no growth: what is compiled as it is first needed takes some 3 MiB, and malloc keeps what it once needed at a time, which was
 * seen to be 9 MiB in one step. Over ten minutes the bound finds a leak of 4 MiB a minute, over an hour one of 0.6.
 */
const MOST_GROWTH_MIB = 12
/** No process of this size needs more, whatever garbage there is: garbage that V8 does not know the size of would show here. */
const MOST_MIB = 512

/** What is wrong with the memory of a process. */
export function judgeMemory({ node, held, mostMiB }: ProcessMemory): string[] {
  const [before, after] = held.floorsMiB
  return [
    ...(after - before > MOST_GROWTH_MIB
      ? [
          `the memory of ${node} grew: it never held under ${before.toFixed(0)} MiB, and then never under ${after.toFixed(0)}`
        ]
      : []),
    ...(mostMiB > MOST_MIB ? [`${node} took ${mostMiB.toFixed(0)} MiB of memory`] : [])
  ]
}
