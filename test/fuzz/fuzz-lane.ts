import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { FuzzResult } from './fuzz-loop.ts'
import type { FuzzJob, FuzzJobEnd, FuzzThreadData } from './fuzz-thread.ts'
import { InputSlots } from './input-slots.ts'

/** How often a thread is looked at, in milliseconds. */
const LOOK_MS = 250
/** Most bytes of objects in a thread: far above what any target needs. */
const MAX_HEAP_MIB = 1_024

export interface FuzzLaneInit {
  /** URL of the module whose `targets()` gives the targets. */
  readonly targets: string
  /** How long one input may take, in milliseconds. */
  readonly hangMs: number
}

/** A thread that runs one target after the other, watched from outside: one that hangs, or dies of an input, is replaced. */
export class FuzzLane {
  readonly #init: FuzzLaneInit
  readonly #slots = new InputSlots()
  #thread: Worker | undefined

  constructor(init: FuzzLaneInit) {
    this.#init = init
  }

  /** Inputs of the job under way that have been run. */
  get done(): number {
    return this.#slots.done
  }

  async run(job: FuzzJob): Promise<FuzzResult> {
    this.#slots.clear()
    this.#thread ??= this.#start()
    const thread = this.#thread
    const ended = new AbortController()
    const { signal } = ended
    try {
      thread.postMessage(job)
      const dead = this.#death(thread, signal)
      const hung = this.#hang(signal)
      const end: FuzzJobEnd | string = await Promise.race([
        once(thread, 'message', { signal }).then(([message]) => message as FuzzJobEnd),
        dead,
        hung
      ])
      if (typeof end === 'string') return await this.#bury(thread, end)
      if ('broken' in end) throw end.broken
      return end.result
    } finally {
      ended.abort()
    }
  }

  async stop(): Promise<void> {
    await this.#thread?.terminate()
    this.#thread = undefined
  }

  #start(): Worker {
    const workerData: FuzzThreadData = { targets: this.#init.targets, slots: this.#slots.buffer }
    const resourceLimits = { maxOldGenerationSizeMb: MAX_HEAP_MIB }
    const thread = new Worker(new URL('./fuzz-thread.ts', import.meta.url), { workerData, resourceLimits })
    thread.setMaxListeners(20)
    return thread
  }

  async #bury(thread: Worker, error: string): Promise<FuzzResult> {
    const inputs = this.#slots.underWay().map(({ input }) => input)
    this.#thread = undefined
    await thread.terminate()
    return { inputs: this.#slots.done, outcomes: 0, failure: { error, inputs } }
  }

  /** Resolves when the thread has ended by itself. */
  #death(thread: Worker, signal: AbortSignal): Promise<string> {
    return new Promise((resolve) => {
      const onError = (error: Error) => resolve(`the thread died: ${error.stack ?? error.message}`)
      const onExit = (code: number) => resolve(`the thread ended with ${code}`)
      thread.on('error', onError).on('exit', onExit)
      signal.addEventListener('abort', () => thread.off('error', onError).off('exit', onExit), { once: true })
    })
  }

  /** Resolves when one input has been under way for too long. */
  #hang(signal: AbortSignal): Promise<string> {
    const { hangMs } = this.#init
    const seen = new Map<number, { turn: number; since: number }>()
    return new Promise((resolve) => {
      const timer = setInterval(() => {
        const now = performance.now()
        for (const { slot, turn } of this.#slots.underWay()) {
          const before = seen.get(slot)
          if (before?.turn !== turn) seen.set(slot, { turn, since: now })
          else if (now - before.since > hangMs) resolve(`no end within ${hangMs} ms`)
        }
      }, LOOK_MS)
      signal.addEventListener('abort', () => clearInterval(timer), { once: true })
    })
  }
}
