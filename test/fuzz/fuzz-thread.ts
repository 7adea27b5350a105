import { parentPort, workerData } from 'node:worker_threads'
import { type FuzzResult, fuzz } from './fuzz-loop.ts'
import type { FuzzTarget } from './fuzz-target.ts'
import { InputSlots } from './input-slots.ts'

/** What a thread is started with. */
export interface FuzzThreadData {
  /** URL of the module whose `targets()` gives the targets. */
  readonly targets: string
  readonly slots: SharedArrayBuffer
}

/** One target to be run. */
export interface FuzzJob {
  readonly target: string
  readonly inputs: number
  readonly seed: number
  readonly corpus: readonly Uint8Array[]
}

/** How a job ended; `broken` where it could not even begin. */
export type FuzzJobEnd = { readonly result: FuzzResult } | { readonly broken: unknown }

const { targets, slots: shared } = workerData as FuzzThreadData
const slots = new InputSlots(shared)
const loading: Promise<FuzzTarget[]> = import(targets).then((module) => module.targets())

parentPort?.on('message', ({ target: name, ...job }: FuzzJob) => {
  run(name, job).then(
    (result) => parentPort?.postMessage({ result } satisfies FuzzJobEnd),
    (broken: unknown) => parentPort?.postMessage({ broken } satisfies FuzzJobEnd)
  )
})

async function run(name: string, job: Omit<FuzzJob, 'target'>): Promise<FuzzResult> {
  const target = (await loading).find((one) => one.name === name)
  if (target === undefined) throw new RangeError(`no target ${name}`)
  return await fuzz({ target, slots, ...job })
}
