import { anySignal } from 'any-signal'
import parallel from 'it-parallel'
import { type BlockRef, formatBlockRef } from '../consensus/block-ref.ts'
import type { Committee } from '../consensus/committee.ts'
import type { Digest } from '../consensus/digest.ts'
import { intentPrefix } from '../consensus/intent.ts'
import {
  blockPayload,
  blockSignature,
  type SignedBlock,
  trustBlock,
  type VerifiedBlock
} from '../consensus/signed-block.ts'
import { verifyBlockStructure } from './block-structure.ts'
import type { BlsVerifier } from './bls-verifier.ts'
import { type EndOfEpochForm, EndOfEpochVerifier } from './end-of-epoch.ts'
import { GenesisDigests } from './genesis-digests.ts'
import { createMainThreadVerifier } from './main-thread-verifier.ts'
import type { SignatureVerifier } from './signature-verifier.ts'
import type { TransactionVerifier } from './transaction-verifier.ts'
import { VerifyError, type VerifyErrorCode } from './verify-error.ts'
import type { VerifyWork } from './verify-work.ts'

/** Blocks whose transactions are verified at a time: those of small ones fill a batch together. */
const BLOCKS_AT_A_TIME = 16

/** Verifies blocks by every rule of the chain. */
export interface BlockVerifier {
  /**
   * Verifies a batch, the cheapest rules first: the structure of all blocks and the form of their end-of-epoch data; the authors' signatures, in one batch;
   * the BLS signatures of end-of-epoch data; the transactions.
   *
   * @returns the same blocks in the same order
   * @throws {VerifyError} for the first block found that breaks a rule, which the error names; none of the batch is verified then
   * @throws the signal's reason on abort
   */
  verify(blocks: readonly SignedBlock[], options?: { signal?: AbortSignal | undefined }): Promise<VerifiedBlock[]>

  /**
   * Verifies blocks that are, by their digests, those that a quorum certified: as `verify` does, or, in the mode `certified`, their structure and the proofs of
   * a hand-over only.
   *
   * @throws {VerifyError} and the signal's reason, as `verify` does
   */
  verifyCertified(
    blocks: readonly SignedBlock[],
    options?: { signal?: AbortSignal | undefined }
  ): Promise<VerifiedBlock[]>
}

/**
 * How much of what a quorum certified is verified anew.
 *
 * - `full`: everything. A quorum of liars can then stop this node, and never make it take a block that breaks a rule
 * - `certified`: digests, the hash chain, the votes of the quorum, and the proofs by which epochs hand over. Authors' signatures and transactions are taken on the word
 *   of the quorum, who saw them: it trusts two thirds of the stake, as light clients do, and costs less than half
 */
export type VerificationMode = 'full' | 'certified'

/** What a block verifier is made from. */
export interface BlockVerifierInit {
  readonly chainId: Digest
  readonly signatures: SignatureVerifier
  /** The committee of an epoch, or `undefined` while it is not known. */
  readonly getCommittee: (epoch: number) => Committee | undefined | Promise<Committee | undefined>
  /** Checks BLS signatures. @default the main thread, which then takes a pause after each */
  readonly bls?: BlsVerifier | undefined
  /** @default none: transactions are opaque */
  readonly transactionVerifier?: TransactionVerifier | undefined
  /** Of blocks that a quorum certified. @default 'full' */
  readonly mode?: VerificationMode | undefined
  /** Called after each step of a batch. It must be quick, and not throw. @default nobody listens */
  readonly onWork?: ((work: VerifyWork) => void) | undefined
}

interface Subject {
  readonly signed: SignedBlock
  readonly committee: Committee
  readonly author: Uint8Array
  readonly endOfEpoch: EndOfEpochForm | undefined
}

type Options = { readonly signal?: AbortSignal | undefined }

/** Makes a block verifier. It holds no threads of its own. */
export function createBlockVerifier(init: BlockVerifierInit): BlockVerifier {
  const { chainId, signatures, getCommittee, transactionVerifier } = init
  const prefix = intentPrefix('block', chainId)
  const genesis = new GenesisDigests(chainId)
  const endOfEpoch = new EndOfEpochVerifier({ chainId, bls: init.bls ?? createMainThreadVerifier() })

  async function measured<T>(kind: VerifyWork['kind'], items: number, work: () => Promise<T>): Promise<T> {
    const begun = performance.now()
    try {
      return await work()
    } finally {
      init.onWork?.({ kind, items, milliseconds: performance.now() - begun })
    }
  }

  async function examine(blocks: readonly SignedBlock[]): Promise<Subject[]> {
    const committees = new Map<number, Committee | undefined>()
    const subjects: Subject[] = []
    for (const signed of blocks) {
      const { epoch } = signed.block
      if (!committees.has(epoch)) committees.set(epoch, await getCommittee(epoch))
      const committee = committees.get(epoch)
      if (committee === undefined) throw fault(signed.ref, 'BLOCK_UNKNOWN_EPOCH', `is of epoch ${epoch}, unknown here`)
      verifyBlockStructure(signed, committee, (author) => genesis.get(epoch, author))
      const author = committee.validators[signed.block.author]?.protocolKey
      if (author === undefined) throw fault(signed.ref, 'BLOCK_AUTHOR_OUT_OF_RANGE', 'is by no validator')
      subjects.push({ signed, committee, author, endOfEpoch: endOfEpoch.checkForm(signed, committee) })
    }
    return subjects
  }

  async function verifySignatures(subjects: readonly Subject[], options: Options): Promise<void> {
    const checks = subjects.map(({ signed, author }) => ({
      publicKey: author,
      signature: blockSignature(signed.bytes),
      prefix,
      payload: blockPayload(signed.bytes)
    }))
    const results = await signatures.verify(checks, options)
    const failed = subjects[results.indexOf(false)]
    if (failed !== undefined) throw fault(failed.signed.ref, 'BLOCK_BAD_SIGNATURE', 'is not signed by its author')
  }

  async function verifyTransactions(subjects: readonly Subject[], options: Options): Promise<void> {
    if (transactionVerifier === undefined) return
    const transactions = subjects.reduce((sum, { signed }) => sum + signed.block.transactions.length, 0)
    if (transactions === 0) return
    await measured('transactions', transactions, () => runTransactions(transactionVerifier, subjects, options))
  }

  async function runTransactions(
    verifier: TransactionVerifier,
    subjects: readonly Subject[],
    options: Options
  ): Promise<void> {
    const ended = new AbortController()
    const signal = anySignal([ended.signal, options.signal])
    const jobs = subjects
      .filter(({ signed }) => signed.block.transactions.length > 0)
      .map(({ signed: { ref, block }, committee }) => async () => {
        const invalid = await verifier.verify(block.transactions, committee, { author: block.author, signal })
        return { ref, invalid }
      })
    try {
      for await (const { ref, invalid } of parallel(jobs, { ordered: true, concurrency: BLOCKS_AT_A_TIME })) {
        if (invalid === undefined) continue
        throw fault(ref, 'BLOCK_BAD_TRANSACTION', `has the invalid transaction ${invalid.index}: ${invalid.reason}`)
      }
      options.signal?.throwIfAborted()
    } catch (thrown) {
      options.signal?.throwIfAborted() // whatever the verifier throws then
      throw thrown
    } finally {
      ended.abort() // those of the other blocks are no longer wanted
      signal.clear()
    }
  }

  async function verifyEndsOfEpoch(subjects: readonly Subject[], options: Options): Promise<void> {
    for (const { signed, committee, endOfEpoch: form } of subjects) {
      if (form === undefined) continue
      await measured('hand-over', 1, () => endOfEpoch.verifySignatures(signed, form, committee, options))
    }
  }

  async function verify(blocks: readonly SignedBlock[], options: Options = {}): Promise<VerifiedBlock[]> {
    const { length: count } = blocks
    const subjects = await measured('structure', count, () => examine(blocks))
    await measured('signatures', count, () => verifySignatures(subjects, options))
    await verifyEndsOfEpoch(subjects, options)
    await verifyTransactions(subjects, options)
    return blocks.map(trustBlock)
  }

  /** Of end-of-epoch data only the aggregate hands over. */
  async function verifyHandOvers(blocks: readonly SignedBlock[], options: Options = {}): Promise<VerifiedBlock[]> {
    const subjects = await measured('structure', blocks.length, () => examine(blocks))
    const handOvers = subjects.filter(({ signed }) => signed.block.endOfEpoch?.aggregateSignature !== undefined)
    await verifyEndsOfEpoch(handOvers, options)
    options.signal?.throwIfAborted()
    return blocks.map(trustBlock)
  }

  return { verify, verifyCertified: init.mode === 'certified' ? verifyHandOvers : verify }
}

function fault(block: BlockRef, code: VerifyErrorCode, what: string): VerifyError {
  return new VerifyError(code, `block ${formatBlockRef(block)} ${what}`, { block })
}
