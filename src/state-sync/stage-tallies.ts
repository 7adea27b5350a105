import type { StageStatus } from './state-sync.ts'

/** What one stage of the pipeline has done. Plain numbers, counted by the batch: it stands on the hot path. */
export class StageTally {
  readonly #name: StageStatus['name']
  readonly #unit: StageStatus['unit']
  readonly #now: () => number
  #queued = 0
  #done = 0
  #failed = 0
  #busyMs = 0

  /** @param now monotonic milliseconds */
  constructor(name: StageStatus['name'], unit: StageStatus['unit'], now: () => number) {
    this.#name = name
    this.#unit = unit
    this.#now = now
  }

  enter(count: number): void {
    this.#queued += count
  }

  pass(count: number): void {
    this.#queued -= count
    this.#done += count
  }

  /** They leave without having passed. */
  fail(count: number): void {
    this.#queued -= count
    this.#failed += count
  }

  /** They are not needed any more, or were not there: nothing failed. */
  drop(count: number): void {
    this.#queued -= count
  }

  /** Failed, and tried again: they stay. */
  failAndStay(count: number): void {
    this.#failed += count
  }

  worked(milliseconds: number): void {
    this.#busyMs += milliseconds
  }

  /** Work on a batch that is in the stage; the batch leaves at its end. What is aborted has not failed. */
  async process<T>(count: number, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const begun = this.#now()
    try {
      const result = await work()
      this.pass(count)
      return result
    } catch (thrown) {
      if (signal.aborted) this.drop(count)
      else this.fail(count)
      throw thrown
    } finally {
      this.worked(this.#now() - begun)
    }
  }

  /** Passes an answer on, whose content passes the stage as it comes. What of it did not come when it ended whole was not there. */
  async *receive<T>(
    answer: AsyncIterable<T>,
    { wanted, countOf, waitedMs, signal }: ReceiveOptions<T>
  ): AsyncGenerator<T> {
    const waitedBefore = waitedMs()
    let left = wanted
    let isWhole = false
    this.enter(wanted)
    try {
      for await (const part of answer) {
        const count = Math.min(left, countOf(part))
        left -= count
        this.pass(count)
        yield part
      }
      isWhole = true
    } finally {
      this.worked(waitedMs() - waitedBefore)
      if (isWhole || signal.aborted) this.drop(left)
      else this.fail(left)
    }
  }

  /** @param waiting further ones, that are ready to enter and wait for others to go first */
  status(waiting = 0): StageStatus {
    return {
      name: this.#name,
      unit: this.#unit,
      queued: this.#queued + waiting,
      done: this.#done,
      failed: this.#failed,
      busySeconds: this.#busyMs / 1_000
    }
  }
}

/** See {@link StageTally.receive}. */
export interface ReceiveOptions<T> {
  /** How many were asked for. */
  readonly wanted: number
  readonly countOf: (part: T) => number
  /** Milliseconds that the peer was waited for, up to now. */
  readonly waitedMs: () => number
  readonly signal: AbortSignal
}

/** The tallies of the pipeline's stages: one of each for the whole sync. */
export class StageTallies {
  readonly fetchCommits: StageTally
  readonly verifyCommits: StageTally
  readonly fetchBlocks: StageTally
  readonly verifyBlocks: StageTally
  readonly assemble: StageTally
  readonly store: StageTally

  /** @param now monotonic milliseconds */
  constructor(now: () => number) {
    this.fetchCommits = new StageTally('fetch-commits', 'commits', now)
    this.verifyCommits = new StageTally('verify-commits', 'commits', now)
    this.fetchBlocks = new StageTally('fetch-blocks', 'blocks', now)
    this.verifyBlocks = new StageTally('verify-blocks', 'blocks', now)
    this.assemble = new StageTally('assemble', 'commits', now)
    this.store = new StageTally('store', 'commits', now)
  }

  /** In the order of the pipeline. @param ready whole commits that wait for those below them */
  status(ready: number): StageStatus[] {
    return [
      this.fetchCommits.status(),
      this.verifyCommits.status(),
      this.fetchBlocks.status(),
      this.verifyBlocks.status(),
      this.assemble.status(ready),
      this.store.status()
    ]
  }
}
