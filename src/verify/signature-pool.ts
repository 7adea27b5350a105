import { nativeSodium } from '../runtime/native-sodium.ts'
import { SomaError } from '../runtime/soma-error.ts'
import type { BlsCheck, BlsVerifier } from './bls-verifier.ts'
import { createMainThreadVerifier, verifyNow } from './main-thread-verifier.ts'
import { checkBytes } from './signature-batch.ts'
import { SignatureJob } from './signature-job.ts'
import { SignatureThreads } from './signature-threads.ts'
import type { SignatureCheck, SignatureVerifier } from './signature-verifier.ts'

/** Fewest checks that are worth the way to another thread: in JavaScript each costs a millisecond. */
const WORTH_A_THREAD = nativeSodium === undefined ? 1 : 8
/** Most bytes that are verified on the calling thread for all that: a quarter of a millisecond's hashing. */
const MOST_BYTES_HERE = 64 * 1024

/** Why a signature pool refuses. */
export type SignaturePoolErrorCode = 'SIGNATURE_POOL_RELEASED' // it was used, or still had work, when it was released

/** The pool was misused. Says nothing about any signature. */
export class SignaturePoolError extends SomaError<SignaturePoolErrorCode> {}

/** What whoever acquires the pool needs of it. */
export interface SignaturePoolOptions {
  /** Threads, at least; 0 verifies on the calling thread. The threads of all who acquired the pool are the same: there are as many as the most demanding asked for. */
  readonly workers: number
  /** Told when a thread died, and was replaced. @default nobody */
  readonly onFault?: ((error: Error) => void) | undefined
}

/** A share in the process's signature threads. */
export interface SignaturePool extends SignatureVerifier, BlsVerifier {
  /** Gives the share back; its calls that are under way reject. With the last share the threads end. Idempotent. */
  release(): Promise<void>
}

/** Who has a share in the threads of this process. */
const shares = new Set<Share>()
const threads: SignatureThreads = new SignatureThreads((error) => {
  for (const { onFault } of shares) onFault?.(error)
})

/**
 * Takes a share in the threads that verify signatures for the whole process: as many as one likes, each to be released. Threads start when there
 * is work for them, and never keep the process alive without.
 *
 * Small batches are verified at once on the calling thread when no others wait.
 */
export function acquireSignaturePool(options: SignaturePoolOptions): SignaturePool {
  if (!Number.isInteger(options.workers) || options.workers < 0) throw new RangeError(`${options.workers} workers`)
  if (options.workers === 0) return { ...createMainThreadVerifier(), release: async () => undefined }
  const share = new Share(options.onFault)
  shares.add(share)
  threads.allow(options.workers)
  return share
}

class Share implements SignaturePool {
  readonly onFault: ((error: Error) => void) | undefined
  readonly #jobs = new Set<SignatureJob>()
  #released: Promise<void> | undefined
  #isTurnUsed = false

  constructor(onFault: ((error: Error) => void) | undefined) {
    this.onFault = onFault
  }

  async verify(checks: readonly SignatureCheck[], options?: { signal?: AbortSignal | undefined }): Promise<boolean[]> {
    options?.signal?.throwIfAborted()
    if (this.#released !== undefined) throw released()
    if (this.#isWorthDoingHere(checks)) return checks.map(verifyNow)
    return await this.#run(new SignatureJob('ed25519', checks), options?.signal)
  }

  async verifyBls(checks: readonly BlsCheck[], options?: { signal?: AbortSignal | undefined }): Promise<boolean[]> {
    options?.signal?.throwIfAborted()
    if (this.#released !== undefined) throw released()
    return await this.#run(new SignatureJob('bls', checks), options?.signal)
  }

  release(): Promise<void> {
    this.#released ??= this.#release()
    return this.#released
  }

  async #release(): Promise<void> {
    for (const job of this.#jobs) {
      threads.remove(job)
      job.fail(released())
    }
    shares.delete(this)
    if (shares.size > 0) return
    await threads.stop()
  }

  async #run(job: SignatureJob, signal: AbortSignal | undefined): Promise<boolean[]> {
    if (job.checks.length === 0) return []
    const onAbort = () => {
      threads.remove(job)
      job.fail(signal?.reason)
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#jobs.add(job)
    threads.add(job)
    try {
      return await job.done
    } finally {
      this.#jobs.delete(job)
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /** Once in a turn of the event loop: many small batches at once are a large one. */
  #isWorthDoingHere(checks: readonly SignatureCheck[]): boolean {
    if (checks.length >= WORTH_A_THREAD || this.#isTurnUsed || !threads.isIdle) return false
    if (checks.reduce((sum, check) => sum + checkBytes(check), 0) > MOST_BYTES_HERE) return false
    this.#isTurnUsed = true
    setImmediate(() => {
      this.#isTurnUsed = false
    })
    return true
  }
}

function released(): SignaturePoolError {
  return new SignaturePoolError('SIGNATURE_POOL_RELEASED', 'the signature pool was released')
}
