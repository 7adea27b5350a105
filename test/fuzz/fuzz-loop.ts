import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Random, randomInteger, seededRandom } from '../../src/runtime/random.ts'
import type { FuzzTarget, OpenTarget } from './fuzz-target.ts'
import { type InputSlots, SLOTS } from './input-slots.ts'
import { minimise } from './minimise.ts'
import { mutate } from './mutate.ts'

/** Inputs kept for mutation beside the seeds: each led to something new. */
const MAX_KEPT = 1_000
/** Outcomes told apart; what has more of them is not told by its outcome. */
const MAX_OUTCOMES = 5_000
/** Inputs after which timers, messages and rejections have their turn. */
const INPUTS_PER_TURN = 256
/** Last inputs of which one may have caused what is thrown in no one's name. */
const SUSPECTS = 8

/** What broke a property. */
export interface Failure {
  readonly error: string
  /** The input; several where it is one of them. */
  readonly inputs: readonly Uint8Array[]
}

export interface FuzzResult {
  readonly inputs: number
  /** Different outcomes seen. */
  readonly outcomes: number
  readonly failure: Failure | undefined
}

export interface FuzzLoopInit {
  readonly target: FuzzTarget
  /** Inputs kept of earlier runs. */
  readonly corpus: readonly Uint8Array[]
  /** Inputs in all; the seeds and the corpus are run first, and always. */
  readonly inputs: number
  readonly seed: number
  readonly slots: InputSlots
}

/** Runs the inputs of one target, until one breaks a property. */
export async function fuzz({ target, corpus, inputs, seed, slots }: FuzzLoopInit): Promise<FuzzResult> {
  const opened = await target.open()
  const loop = new FuzzLoop(target, opened, { slots, random: seededRandom(seed ^ hashOf(target.name)), corpus })
  const failure = await loop.run(inputs)
  const broken = await closing(opened, loop)
  return { inputs: loop.done, outcomes: loop.outcomes, failure: failure ?? broken }
}

async function closing(opened: OpenTarget, loop: FuzzLoop): Promise<Failure | undefined> {
  try {
    await opened.close?.()
    await nextTurn()
    return loop.failure
  } catch (thrown) {
    return { error: describe(thrown), inputs: loop.recent }
  }
}

class FuzzLoop {
  readonly #target: FuzzTarget
  readonly #opened: OpenTarget
  readonly #slots: InputSlots
  readonly #random: Random
  readonly #pool: Uint8Array[]
  readonly #first: number
  readonly #outcomes = new Set<string>()
  readonly #recent: Uint8Array[] = []
  #started = 0
  done = 0
  failure: Failure | undefined

  constructor(
    target: FuzzTarget,
    opened: OpenTarget,
    { slots, random, corpus }: { slots: InputSlots; random: Random; corpus: readonly Uint8Array[] }
  ) {
    this.#target = target
    this.#opened = opened
    this.#slots = slots
    this.#random = random
    this.#pool = [...opened.seeds, ...corpus]
    this.#first = this.#pool.length
  }

  get outcomes(): number {
    return this.#outcomes.size
  }

  /** The inputs begun last. */
  get recent(): readonly Uint8Array[] {
    return [...this.#recent]
  }

  async run(inputs: number): Promise<Failure | undefined> {
    const most = Math.max(inputs, this.#first)
    const onRejection = (reason: unknown) => {
      this.failure ??= { error: `unhandled rejection: ${describe(reason)}`, inputs: this.recent }
    }
    process.on('unhandledRejection', onRejection)
    process.on('uncaughtException', onRejection)
    try {
      const lanes = Math.min(SLOTS, this.#opened.concurrency ?? 1)
      await Promise.all(Array.from({ length: lanes }, (_, lane) => this.#lane(lane, most)))
      await nextTurn()
    } finally {
      process.off('unhandledRejection', onRejection)
      process.off('uncaughtException', onRejection)
    }
    return this.failure
  }

  async #lane(lane: number, most: number): Promise<void> {
    while (this.#started < most && this.failure === undefined) {
      const input = this.#next()
      this.#slots.begin(lane, input)
      try {
        const outcome = this.#opened.run(input)
        this.#note(input, typeof outcome === 'string' ? outcome : await outcome)
      } catch (thrown) {
        await this.#fail(input, thrown)
      } finally {
        this.#slots.end(lane)
        this.done += 1
      }
      if (this.done % INPUTS_PER_TURN === 0) await nextTurn()
    }
  }

  /** The seeds as they are, then mutations of them and of what they led to. */
  #next(): Uint8Array {
    const pool = this.#pool
    const turn = this.#started
    this.#started += 1
    const input = turn < this.#first ? (pool[turn] as Uint8Array) : this.#mutated()
    if (this.#recent.push(input) > SUSPECTS) this.#recent.shift()
    return input
  }

  #mutated(): Uint8Array {
    const any = () => this.#pool[randomInteger(this.#random, this.#pool.length)] ?? new Uint8Array(0)
    return mutate(this.#random, this.#target.shape, any(), any())
  }

  #note(input: Uint8Array, outcome: string): void {
    if (this.#outcomes.has(outcome) || this.#outcomes.size === MAX_OUTCOMES) return
    this.#outcomes.add(outcome)
    if (this.#pool.length < this.#first + MAX_KEPT) this.#pool.push(input)
  }

  async #fail(input: Uint8Array, thrown: unknown): Promise<void> {
    if (this.failure !== undefined) return
    const error = describe(thrown)
    this.failure = { error, inputs: [input] }
    if ((this.#opened.concurrency ?? 1) > 1) return
    this.failure = { error, inputs: [await minimise(input, thrown, this.#opened)] }
  }
}

function describe(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  const code = 'code' in thrown ? ` [${String(thrown.code)}]` : ''
  return `${thrown.stack ?? thrown.message}${code}`
}

/** FNV-1a: another stream of random numbers for each target. */
function hashOf(name: string): number {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(name)) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash >>> 0
}
