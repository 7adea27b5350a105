import type { BlsCheck } from './bls-verifier.ts'
import { checkBytes } from './signature-batch.ts'
import type { SignatureCheck } from './signature-verifier.ts'

/** The checks of one call. */
export class SignatureJob<Check = SignatureCheck | BlsCheck> {
  readonly kind: 'ed25519' | 'bls'
  readonly checks: readonly Check[]
  readonly done: Promise<boolean[]>
  readonly #results: boolean[]
  readonly #resolve: (results: boolean[]) => void
  readonly #reject: (error: unknown) => void
  #handedOut = 0
  #unanswered: number
  #isSettled = false

  constructor(kind: 'ed25519' | 'bls', checks: readonly Check[]) {
    this.kind = kind
    this.checks = checks
    this.#results = new Array<boolean>(checks.length).fill(false)
    this.#unanswered = checks.length
    const { promise, resolve, reject } = Promise.withResolvers<boolean[]>()
    this.done = promise
    this.#resolve = resolve
    this.#reject = reject
  }

  /** Checks that no batch has taken yet. */
  get waiting(): number {
    return this.#isSettled ? 0 : this.checks.length - this.#handedOut
  }

  /** Takes the next check for a batch, if it is not over `maxBytes`. */
  take(maxBytes: number): { index: number; check: Check; bytes: number } | undefined {
    const index = this.#handedOut
    const check = this.checks[index]
    if (check === undefined) return undefined
    const bytes = sizeOf(check as SignatureCheck | BlsCheck)
    if (bytes > maxBytes) return undefined
    this.#handedOut += 1
    return { index, check, bytes }
  }

  /** Takes the result of a check. */
  answer(index: number, isValid: boolean): void {
    this.#results[index] = isValid
    this.#unanswered -= 1
    if (this.#unanswered === 0) {
      this.#isSettled = true
      this.#resolve(this.#results)
    }
  }

  /** Gives it up. Results still to come are ignored. */
  fail(error: unknown): void {
    this.#isSettled = true
    this.#reject(error)
  }
}

function sizeOf(check: SignatureCheck | BlsCheck): number {
  return 'payload' in check ? checkBytes(check) : 0
}
