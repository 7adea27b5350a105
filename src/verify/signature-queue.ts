import { isBlsNative } from './bls.ts'
import type { BlsCheck } from './bls-verifier.ts'
import type { SignatureJob } from './signature-job.ts'
import type { SignatureCheck } from './signature-verifier.ts'

/** Fewest checks of a batch, where there are so many: the round trip to a thread costs as much as some ten checks. */
const LEAST = 16
/** Most checks of a batch: more gain nothing, and one that waits behind them waits longer. */
const MOST = 64
/** Most bytes of a batch, unless a single check has more. */
const MOST_BYTES = 512 * 1024
/** The same of BLS checks: native code verifies eight of them in the time of three, and thirty-two in that of eight; JavaScript gains nothing. */
const LEAST_BLS = isBlsNative ? 8 : 1
const MOST_BLS = isBlsNative ? 32 : 2

/** Checks of one kind, of one or several jobs, that go to a thread together. */
export interface SignatureBatch {
  readonly kind: SignatureJob['kind']
  readonly items: readonly { readonly job: SignatureJob; readonly index: number }[]
  readonly checks: readonly (SignatureCheck | BlsCheck)[]
  /** Bytes that it takes in shared memory. */
  readonly bytes: number
}

/**
 * Jobs in the order in which they came, cut into batches as threads become free. It holds no copies, but the arrays of callers who wait
 * for them.
 */
export class SignatureQueue {
  #jobs: SignatureJob[] = []
  readonly #redo: SignatureBatch[] = []

  get isEmpty(): boolean {
    return this.#jobs.length === 0 && this.#redo.length === 0
  }

  add(job: SignatureJob): void {
    this.#jobs.push(job)
  }

  remove(job: SignatureJob): void {
    this.#jobs = this.#jobs.filter((other) => other !== job)
  }

  /** Puts a batch back, before all others. */
  redo(batch: SignatureBatch): void {
    this.#redo.push(batch)
  }

  /**
   * The next batch.
   *
   * @param places how many batches can be under way: few checks are spread over all of them
   */
  take(places: number): SignatureBatch | undefined {
    const again = this.#redo.shift()
    if (again !== undefined) return again
    const kind = this.#jobs[0]?.kind
    if (kind === undefined) return undefined
    const most = this.#share(kind, places)
    const items: SignatureBatch['items'][number][] = []
    const checks: (SignatureCheck | BlsCheck)[] = []
    let bytes = 0
    for (let job = this.#jobs[0]; job?.kind === kind && items.length < most; job = this.#jobs[0]) {
      const taken = job.take(items.length === 0 ? Number.POSITIVE_INFINITY : MOST_BYTES - bytes)
      if (taken === undefined) break
      items.push({ job, index: taken.index })
      checks.push(taken.check)
      bytes += taken.bytes
      if (job.waiting === 0) this.#jobs.shift()
    }
    return { kind, items, checks, bytes }
  }

  #share(kind: SignatureBatch['kind'], places: number): number {
    const [least, most] = kind === 'bls' ? [LEAST_BLS, MOST_BLS] : [LEAST, MOST]
    let waiting = 0
    for (const job of this.#jobs) {
      if (job.kind === kind) waiting += job.waiting
      if (waiting >= most * places) return most
    }
    return Math.max(least, Math.ceil(waiting / places))
  }
}
