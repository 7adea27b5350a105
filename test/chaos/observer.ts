import type { FaultKind } from './fault.ts'
import type { HeldMemory } from './held-memory.ts'
import type { MemorySample } from './memory-trend.ts'
import type { ChaosNodeLook } from './protocol.ts'

/** How a node came back after a fault. */
export interface Recovery {
  readonly node: string
  readonly kind: FaultKind
  /** From the end of the fault until it had executed what the network had at that time. */
  readonly ms: number
}

interface Recovering {
  readonly node: string
  readonly kind: FaultKind
  readonly sinceMs: number
  readonly target: number
}

/** The memory of one process. */
export interface Life {
  readonly node: string
  /** What it held once its garbage was collected. */
  readonly held: readonly MemorySample[]
  /** Of that, the heap of V8 and the buffers beside it. */
  readonly heap: readonly MemorySample[]
  /** The most that was resident. */
  readonly mostBytes: number
}

interface LifeSoFar extends Life {
  readonly held: MemorySample[]
  readonly heap: MemorySample[]
  mostBytes: number
}

/** The highest commit that was executed anywhere, by two clocks. */
interface Tip {
  readonly atMs: number
  /** By that of the work of the nodes. */
  readonly workMs: number
  readonly tip: number
}

/** A window in which the network must make progress. */
const WINDOW_MS = 10_000

/** Takes down how the nodes are from time to time: who gets on, who comes back, and what memory they take. Times in milliseconds of one clock. */
export class Observer {
  readonly recoveries: Recovery[] = []
  /** What nodes said of themselves while they were not well. */
  readonly unwell: Map<string, number> = new Map<string, number>()
  readonly #recovering = new Set<Recovering>()
  readonly #executed = new Map<string, { index: number; sinceMs: number }>()
  readonly #standstill = new Map<string, number>()
  readonly #looks = new Map<string, ChaosNodeLook>()
  readonly #lives = new Map<string, LifeSoFar>()
  readonly #tips: Tip[] = []
  readonly #onRecovery: (recovery: Recovery) => void
  #tip = 0
  #epoch = 0
  #isResting = false

  constructor(onRecovery: (recovery: Recovery) => void) {
    this.#onRecovery = onRecovery
  }

  /** The highest commit that a node was seen to have executed. */
  get tip(): number {
    return this.#tip
  }

  get epoch(): number {
    return this.#epoch
  }

  /** Who has not come back yet. */
  get recovering(): readonly { readonly node: string; readonly kind: FaultKind }[] {
    return [...this.#recovering]
  }

  /** A fault of a node is over: it has recovered once it has all that the network has now, unless it goes down before. */
  ended(node: string, kind: FaultKind, nowMs: number): void {
    this.#recovering.add({ node, kind, sinceMs: nowMs, target: this.#tip })
  }

  /** Nobody makes more of the chain: from now on nobody has to get on. */
  chainRests(): void {
    this.#isResting = true
  }

  /** A node goes down: whatever it was coming back from, it begins anew. */
  wentDown(node: string): void {
    for (const one of this.#recovering) if (one.node === node) this.#recovering.delete(one)
  }

  /** @param workMs the time by a clock that goes as fast as the nodes can work */
  saw(node: string, life: number, look: ChaosNodeLook, nowMs: number, workMs: number = nowMs): void {
    const { highestExecuted: index, residentBytes } = look
    this.#looks.set(node, look)
    this.#tip = Math.max(this.#tip, index)
    this.#epoch = Math.max(this.#epoch, look.epoch)
    if (!this.#isResting) this.#tips.push({ atMs: nowMs, workMs, tip: this.#tip })
    const before = this.#executed.get(node)
    if (before === undefined || index !== before.index) this.#executed.set(node, { index, sinceMs: nowMs })
    else if (!this.#isResting)
      this.#standstill.set(node, Math.max(this.#standstill.get(node) ?? 0, nowMs - before.sinceMs))
    for (const what of look.unwell) this.unwell.set(what, (this.unwell.get(what) ?? 0) + 1)
    const alive = this.#life(node, life)
    alive.mostBytes = Math.max(alive.mostBytes, residentBytes)
    for (const one of this.#recovering) {
      if (one.node !== node || index < one.target) continue
      this.#recovering.delete(one)
      const recovery = { node, kind: one.kind, ms: nowMs - one.sinceMs }
      this.recoveries.push(recovery)
      this.#onRecovery(recovery)
    }
  }

  /** How a node was when it was seen last, for people. */
  lastSeen(node: string): string {
    const look = this.#looks.get(node)
    if (look === undefined) return 'was not seen yet'
    const { highestSynced, highestExecuted, epoch, peers, unwell } = look
    const claims = Object.entries(peers).map(([peerId, range]) => `${peerId.slice(-4)} ${range}`)
    return `executed ${highestExecuted} of ${highestSynced}, in epoch ${epoch}; peers ${claims.join(', ') || 'none'}; ${unwell.join('; ') || 'well'}`
  }

  /** A node has collected its garbage, and holds so much. */
  weighed(node: string, life: number, { anonymousBytes, heapBytes }: HeldMemory, nowMs: number): void {
    const { held, heap } = this.#life(node, life)
    held.push({ atMs: nowMs, bytes: anonymousBytes })
    heap.push({ atMs: nowMs, bytes: heapBytes })
  }

  /** The fewest commits by which the network got on in ten seconds on end; `undefined` when it ran no longer. */
  get lowestProgress(): number | undefined {
    let lowest: number | undefined
    let start = 0
    for (const { atMs, tip } of this.#tips) {
      while (atMs - (this.#tips[start + 1]?.atMs ?? atMs) >= WINDOW_MS) start += 1
      const begin = this.#tips[start]
      if (begin === undefined || atMs - begin.atMs < WINDOW_MS) continue
      lowest = Math.min(lowest ?? tip, tip - begin.tip)
    }
    return lowest
  }

  /** For how long the network has not got on, in milliseconds. */
  pauseAt(nowMs: number): number {
    const moved = this.#tips.find(({ tip }) => tip === this.#tip)
    return this.#isResting || moved === undefined ? 0 : nowMs - moved.atMs
  }

  /** The longest time in which the network did not get on, in milliseconds. */
  get longestPause(): number {
    return this.#longestPauseBy(({ atMs }) => atMs)
  }

  /** The same by the clock that goes as fast as the nodes can work. */
  get longestPauseOfWork(): number {
    return this.#longestPauseBy(({ workMs }) => workMs)
  }

  /** The longest time in which a node that was up executed nothing, by node, in milliseconds. */
  get standstills(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#standstill)
  }

  /** The memory of each process, by node and life. */
  get lives(): readonly Life[] {
    return [...this.#lives.values()]
  }

  #longestPauseBy(timeOf: (tip: Tip) => number): number {
    let longest = 0
    let moved = this.#tips[0]
    for (const sample of this.#tips) {
      if (moved === undefined || sample.tip > moved.tip) moved = sample
      longest = Math.max(longest, timeOf(sample) - timeOf(moved))
    }
    return longest
  }

  #life(node: string, life: number): LifeSoFar {
    const key = `${node}/${life}`
    const known = this.#lives.get(key) ?? { node, held: [], heap: [], mostBytes: 0 }
    this.#lives.set(key, known)
    return known
  }
}
