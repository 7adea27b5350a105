import type { BlsVerifier } from './bls-verifier.ts'
import { CertificateCache } from './certificate-cache.ts'
import { SharedTask } from './shared-task.ts'
import type { SignatureVerifier } from './signature-verifier.ts'
import type { CertifiedForm } from './transaction-form.ts'

/** Why the signatures of transactions are false, by key; what is valid is not in it. */
export type FalseSignatures = ReadonlyMap<string, string>

/**
 * Verifies the signatures of certified transactions, each named by a key that no other has: once for all who ask at the same time, and not again while it
 * is remembered. Only what is valid is remembered: neither what is false, nor what could not be verified.
 */
export class TransactionSignatures {
  readonly #verifiers: SignatureVerifier & BlsVerifier
  readonly #verified: CertificateCache
  readonly #underWay = new Map<string, SharedTask<FalseSignatures>>()

  constructor(verifiers: SignatureVerifier & BlsVerifier, remembered: number) {
    this.#verifiers = verifiers
    this.#verified = new CertificateCache(remembered)
  }

  /** Whether it was verified. */
  isVerified(key: string): boolean {
    return this.#verified.has(key)
  }

  /** The work that verifies this one for somebody else already. */
  underWay(key: string): SharedTask<FalseSignatures> | undefined {
    const task = this.#underWay.get(key)
    return task?.isAbandoned === true ? undefined : task
  }

  /** Begins to verify these together: the senders' signatures first, then the certificates of those whose are valid. */
  begin(forms: ReadonlyMap<string, CertifiedForm>): SharedTask<FalseSignatures> {
    const task = new SharedTask(async (signal) => {
      try {
        return await this.#verify(forms, signal)
      } finally {
        for (const key of forms.keys()) if (this.#underWay.get(key) === task) this.#underWay.delete(key)
      }
    })
    for (const key of forms.keys()) this.#underWay.set(key, task)
    return task
  }

  async #verify(forms: ReadonlyMap<string, CertifiedForm>, signal: AbortSignal): Promise<FalseSignatures> {
    const reasons = new Map<string, string>()
    const entries = [...forms]
    const senders = entries.map(([, { sender }]) => sender)
    const signed = await this.#verifiers.verify(senders, { signal })
    for (const [index, [key]] of entries.entries()) {
      if (signed[index] !== true) reasons.set(key, 'is not signed by its sender')
    }
    const left = entries.filter(([key]) => !reasons.has(key))
    const certificates = left.map(([, { certificate }]) => certificate)
    const certified = await this.#verifiers.verifyBls(certificates, { signal })
    for (const [index, [key]] of left.entries()) {
      if (certified[index] === true) this.#verified.add(key)
      else reasons.set(key, 'has a certificate that its signers did not sign')
    }
    return reasons
  }
}
