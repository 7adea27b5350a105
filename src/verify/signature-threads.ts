import { toError } from '../runtime/soma-error.ts'
import type { BlsCheck, BlsVerifier } from './bls-verifier.ts'
import { createMainThreadVerifier } from './main-thread-verifier.ts'
import type { SignatureJob } from './signature-job.ts'
import { type SignatureBatch, SignatureQueue } from './signature-queue.ts'
import { SignatureThread, SLOTS, type StartWorker, startSignatureWorker } from './signature-thread.ts'
import type { SignatureCheck, SignatureVerifier } from './signature-verifier.ts'

/** Threads that may die one after the other, with no batch verified between, before it is clear that none will live here. */
const MOST_DEATHS = 3

/** The threads of a pool, started when there is work for them, replaced when they die. */
export class SignatureThreads {
  readonly #queue = new SignatureQueue()
  readonly #onFault: (error: Error) => void
  readonly #startWorker: StartWorker
  #threads: SignatureThread[] = []
  #most = 0
  #deaths = 0
  #mainThread: (SignatureVerifier & BlsVerifier) | undefined

  /** @param onFault told of every thread that dies */
  constructor(onFault: (error: Error) => void, startWorker: StartWorker = startSignatureWorker) {
    this.#onFault = onFault
    this.#startWorker = startWorker
  }

  /** Whether work would begin at once. */
  get isIdle(): boolean {
    return this.#queue.isEmpty
  }

  /** Allows at least so many threads. */
  allow(workers: number): void {
    this.#most = Math.max(this.#most, workers)
  }

  /** Takes a job, whose promise tells the rest. */
  add(job: SignatureJob): void {
    this.#queue.add(job)
    this.#dispatch()
  }

  /** Forgets a job that was given up. */
  remove(job: SignatureJob): void {
    this.#queue.remove(job)
  }

  /** Ends all threads, and forgets how many were allowed. Jobs must have been given up before; new ones may come at once. */
  async stop(): Promise<void> {
    const threads = this.#threads
    this.#threads = []
    this.#most = 0
    this.#deaths = 0
    this.#mainThread = undefined
    await Promise.all(threads.map((thread) => thread.stop()))
  }

  #dispatch(): void {
    while (!this.#queue.isEmpty) {
      const thread = this.#mainThread === undefined ? this.#freeThread() : undefined
      if (thread === undefined && this.#mainThread === undefined) return
      const batch = this.#queue.take(this.#most * SLOTS)
      if (batch === undefined) return
      if (thread !== undefined) thread.give(batch)
      else if (this.#mainThread !== undefined) void verifyHere(this.#mainThread, batch)
    }
  }

  /** One that has nothing to do, then a new one, then one that has a slot. */
  #freeThread(): SignatureThread | undefined {
    const idlest = this.#threads.toSorted((a, b) => a.load - b.load)[0]
    if (idlest !== undefined && (idlest.load === 0 || this.#threads.length >= this.#most)) {
      return idlest.load < SLOTS ? idlest : undefined
    }
    const thread = new SignatureThread(this.#startWorker(), {
      onVerified: () => {
        this.#deaths = 0
        this.#dispatch()
      },
      onDied: (dead, error, batches) => this.#bury(dead, error, batches)
    })
    this.#threads.push(thread)
    return thread
  }

  #bury(dead: SignatureThread, error: Error, batches: readonly SignatureBatch[]): void {
    this.#threads = this.#threads.filter((thread) => thread !== dead)
    for (const batch of batches) this.#queue.redo(batch)
    this.#deaths += 1
    if (this.#deaths >= MOST_DEATHS) this.#mainThread ??= createMainThreadVerifier()
    this.#dispatch()
    this.#onFault(error)
  }
}

/** Verifies a batch without threads. Never rejects: a failure is its jobs'. */
async function verifyHere(mainThread: SignatureVerifier & BlsVerifier, batch: SignatureBatch): Promise<void> {
  try {
    const results =
      batch.kind === 'bls'
        ? await mainThread.verifyBls(batch.checks as readonly BlsCheck[])
        : await mainThread.verify(batch.checks as readonly SignatureCheck[])
    for (const [index, { job, index: place }] of batch.items.entries()) job.answer(place, results[index] === true)
  } catch (thrown) {
    for (const { job } of batch.items) job.fail(toError(thrown))
  }
}
