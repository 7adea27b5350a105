import { readFile } from 'node:fs/promises'

/** How long a thread has run and has waited for a core, in milliseconds. */
export interface CoreTimes {
  readonly ranMs: number
  readonly waitedMs: number
}

/**
 * A clock that goes as fast as the machine lets some processes work: where they wait for a core half of the time in which they have something to do, it goes half as fast
 * as others. What takes the nodes longer by it than it should is their own doing, whatever else the machine does.
 */
export class WorkClock {
  readonly #timesOf: (pid: number) => Promise<CoreTimes | undefined>
  #known = new Map<number, CoreTimes>()
  #lastMs: number | undefined
  #nowMs = 0
  #wallMs = 0

  constructor(timesOf: (pid: number) => Promise<CoreTimes | undefined> = coreTimes) {
    this.#timesOf = timesOf
  }

  /** Milliseconds, as of the last tick. */
  get nowMs(): number {
    return this.#nowMs
  }

  /** How fast it went by and large: 1 where nobody ever waited. */
  get pace(): number {
    return this.#wallMs === 0 ? 1 : this.#nowMs / this.#wallMs
  }

  /** Goes on to a time of another clock, by what the processes ran and waited since the last tick. Where that is not known it goes as fast as that. */
  async tick(pids: readonly number[], atMs: number): Promise<void> {
    const known = new Map<number, CoreTimes>()
    let [ran, waited] = [0, 0]
    for (const pid of pids) {
      const times = await this.#timesOf(pid)
      if (times === undefined) continue
      known.set(pid, times)
      const before = this.#known.get(pid) ?? { ranMs: 0, waitedMs: 0 } // a new one: all of its life is of this tick
      ran += times.ranMs - before.ranMs
      waited += times.waitedMs - before.waitedMs
    }
    const passedMs = atMs - (this.#lastMs ?? atMs)
    this.#known = known
    this.#lastMs = atMs
    this.#wallMs += passedMs
    this.#nowMs += passedMs * (ran + waited > 0 ? ran / (ran + waited) : 1)
  }
}

/** Of a process' main thread. `undefined` where it is gone, or the system does not say. */
async function coreTimes(pid: number): Promise<CoreTimes | undefined> {
  const text = await readFile(`/proc/${pid}/schedstat`, 'utf8').catch(() => '')
  const [, ran, waited] = /^(\d+) (\d+) \d+/.exec(text) ?? []
  return ran === undefined || waited === undefined
    ? undefined
    : { ranMs: Number(ran) / 1e6, waitedMs: Number(waited) / 1e6 }
}
