import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Committee } from '../consensus/committee.ts'
import type { Digest } from '../consensus/digest.ts'
import { MAX_BLOCK_BYTES, MAX_BLOCK_TRANSACTIONS } from '../consensus/limits.ts'
import type { BlsVerifier } from './bls-verifier.ts'
import { certificateKey } from './certificate-cache.ts'
import type { SharedTask } from './shared-task.ts'
import type { SignatureVerifier } from './signature-verifier.ts'
import { type CertifiedForm, TransactionForms, type TransactionPlace } from './transaction-form.ts'
import { type FalseSignatures, TransactionSignatures } from './transaction-signatures.ts'

/** Transactions verified together: enough for full batches on a few threads, few enough that reading them takes a millisecond or two. */
const CHUNK = 128

/** A transaction that breaks a rule. */
export interface InvalidTransaction {
  /** Its place in the block. */
  readonly index: number
  /** For people; follows "the transaction". */
  readonly reason: string
}

/** What else is known of the transactions of a block. */
export interface VerifyTransactionsOptions {
  /** Index of the block's author in the committee: nobody else may say for it that it ends publishing. @default unknown, and not checked */
  readonly author?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Verifies the transactions of blocks. Embedders bring their own, or none: then transactions are opaque bytes.
 */
export interface TransactionVerifier {
  /**
   * Verifies one block's transactions against the committee of its epoch. Several blocks may be verified at a time.
   *
   * @returns the index of the first transaction that is invalid and why, or `undefined` when all are valid
   * @throws what kept it from verifying them, which says nothing about the transactions
   * @throws the signal's reason on abort
   */
  verify(
    transactions: readonly Uint8Array[],
    committee: Committee,
    options?: VerifyTransactionsOptions
  ): Promise<InvalidTransaction | undefined>
}

/** What the verifier of certified transactions is made from. */
export interface TransactionVerifierInit {
  readonly chainId: Digest
  /** Checks signatures of both kinds: a share in the signature pool, say. */
  readonly signatures: SignatureVerifier & BlsVerifier
  /**
   * Valid certified transactions remembered, an integer from 0: the same one comes in several blocks. Each takes about a hundred bytes.
   *
   * @default 32,768
   */
  readonly rememberedTransactions?: number | undefined
}

/**
 * Makes a verifier of certified transactions and ends of publishing, by the rules of `protocols/README.md`: a transaction decodes, its certificate is of
 * the committee's epoch, its bitmap of signers is canonical for the committee's size and they hold a quorum of its stake, its sender signed it, and its
 * signers certified it; an end of publishing is of the epoch, and of the block's author.
 *
 * It holds no threads of its own. A node makes itself one with `createNode({ genesis, transactionVerifier: 'certified' })`; elsewhere:
 *
 * ```ts
 * const { chainId } = genesis
 * const signatures = acquireSignaturePool({ workers: 2 }) // the process's threads, shared; to be released in the end
 * const verifier = createTransactionVerifier({ chainId, signatures })
 * ```
 *
 * @throws {RangeError} when `rememberedTransactions` is out of range
 */
export function createTransactionVerifier(init: TransactionVerifierInit): TransactionVerifier {
  const forms = new TransactionForms(init.chainId)
  const signatures = new TransactionSignatures(init.signatures, init.rememberedTransactions ?? 32_768)

  /** Reads a chunk up to the first transaction whose form is invalid, and begins to verify what nobody has verified. */
  function examine(chunk: readonly Uint8Array[], start: number, place: TransactionPlace): Examined {
    const fresh = new Map<string, CertifiedForm>()
    const keys: Examined['keys'] = new Map()
    const tasks = new Set<SharedTask<FalseSignatures>>()
    let malformed: InvalidTransaction | undefined
    for (const [offset, bytes] of chunk.entries()) {
      const index = start + offset
      const tooMuch = overLimit(bytes, index)
      if (tooMuch !== undefined) {
        malformed = { index, reason: tooMuch }
        break
      }
      const key = certificateKey(init.chainId, place.committee, bytes)
      if (signatures.isVerified(key) || keys.has(key)) continue
      const task = signatures.underWay(key)
      if (task !== undefined) {
        keys.set(key, index)
        tasks.add(task)
        continue
      }
      const form = forms.check(bytes, place)
      if (form.kind === 'invalid') {
        malformed = { index, reason: form.reason }
        break
      }
      if (form.kind === 'end-of-publish') continue
      keys.set(key, index)
      fresh.set(key, form)
    }
    if (fresh.size > 0) tasks.add(signatures.begin(fresh))
    return { keys, tasks, malformed }
  }

  return {
    async verify(transactions, committee, { author, signal } = {}) {
      for (let start = 0; start < transactions.length; start += CHUNK) {
        if (start > 0) await nextTurn()
        signal?.throwIfAborted()
        const chunk = transactions.slice(start, start + CHUNK)
        const { keys, tasks, malformed } = examine(chunk, start, { committee, author })
        const found = await Promise.all(Array.from(tasks, (task) => task.wait(signal)))
        for (const [key, index] of keys) {
          const reason = found.find((reasons) => reasons.has(key))?.get(key)
          if (reason !== undefined) return { index, reason }
        }
        if (malformed !== undefined) return malformed
      }
      return undefined
    }
  }
}

interface Examined {
  /** Where each transaction that is to be verified comes first, in order. */
  readonly keys: Map<string, number>
  /** What verifies them. */
  readonly tasks: ReadonlySet<SharedTask<FalseSignatures>>
  readonly malformed: InvalidTransaction | undefined
}

function overLimit({ byteLength }: Uint8Array, index: number): string | undefined {
  if (index >= MAX_BLOCK_TRANSACTIONS) return `is one more than the ${MAX_BLOCK_TRANSACTIONS} of a block`
  if (byteLength > MAX_BLOCK_BYTES) return `has ${byteLength} bytes, over ${MAX_BLOCK_BYTES}`
  return undefined
}
