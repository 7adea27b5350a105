import { formatBlockRef } from '../consensus/block-ref.ts'
import { type Committee, decodeCommittee } from '../consensus/committee.ts'
import { ConsensusError } from '../consensus/consensus-error.ts'
import { type Digest, digestKey, digestOf } from '../consensus/digest.ts'
import { QUORUM_STAKE } from '../consensus/limits.ts'
import type { SignedBlock } from '../consensus/signed-block.ts'
import type { BlsCheck, BlsVerifier } from './bls-verifier.ts'
import { findFalseProof } from './committee-proofs.ts'
import { handOverMessage } from './hand-over.ts'
import { decodeSigners } from './signer-bitmap.ts'
import { VerifyError } from './verify-error.ts'

/** The next set is in most blocks of an epoch's last rounds, the same in all of them: one, and what a liar makes up beside it. */
const SETS_KEPT = 4

interface NextSet {
  readonly committee: Committee
  proofs: Promise<number | undefined> | undefined
}

/** End-of-epoch data whose form is valid: what is left to check of it are signatures. */
export interface EndOfEpochForm {
  /** The author's signature and the aggregate, as far as they are there. */
  readonly checks: readonly BlsCheck[]
  readonly next: Committee | undefined
}

export interface EndOfEpochVerifierInit {
  readonly chainId: Digest
  readonly bls: BlsVerifier
}

/**
 * Verifies what blocks say of the end of their epoch. The valid combinations:
 *
 * - a start time alone, or with a state hash
 * - with the next set: it decodes, is of the next epoch, and all its validators prove possession of their keys
 * - with the author's signature: the next set and the state hash are there, which it is over
 * - with the aggregate and its bitmap of signers, always the two together: the author's signature is there too, and the signers hold a quorum of stake
 */
export class EndOfEpochVerifier {
  readonly #init: EndOfEpochVerifierInit
  readonly #sets = new Map<string, NextSet>()

  constructor(init: EndOfEpochVerifierInit) {
    this.#init = init
  }

  /**
   * Checks everything but signatures.
   *
   * @param committee of the block's epoch
   * @returns `undefined` for a block without end-of-epoch data
   * @throws {VerifyError} `BLOCK_BAD_END_OF_EPOCH`
   */
  checkForm(signed: SignedBlock, committee: Committee): EndOfEpochForm | undefined {
    const data = signed.block.endOfEpoch
    if (data === undefined) return undefined
    const { nextValidatorSet, nextEpochStartMs, stateHash, authorSignature, aggregateSignature, signers } = data
    if ((aggregateSignature === undefined) !== (signers === undefined)) {
      throw fault(signed, 'an aggregate signature and its signers come together')
    }
    const next = nextValidatorSet === undefined ? undefined : this.#decodeNext(signed, nextValidatorSet)
    if (authorSignature === undefined) {
      if (aggregateSignature !== undefined) throw fault(signed, "an aggregate signature without its author's own")
      return { checks: [], next }
    }
    if (next === undefined) throw fault(signed, 'a signature without the validator set that it is over')
    if (stateHash === undefined) throw fault(signed, 'a signature without the state hash that it is over')
    const handOver = { epoch: committee.epoch, nextSetDigest: next.digest, nextEpochStartMs, stateHash }
    const message = handOverMessage(this.#init.chainId, handOver)
    const checks = [{ publicKeys: keysOf([signed.block.author], committee), message, signature: authorSignature }]
    if (aggregateSignature !== undefined && signers !== undefined) {
      const publicKeys = quorumKeys(signed, signers, committee)
      checks.push({ publicKeys, message, signature: aggregateSignature })
    }
    return { checks, next }
  }

  /**
   * Checks the signatures, and the proofs of possession of the next set, these once for all blocks that carry the same one.
   *
   * @throws {VerifyError} `BLOCK_BAD_END_OF_EPOCH`
   * @throws the signal's reason on abort
   */
  async verifySignatures(
    signed: SignedBlock,
    form: EndOfEpochForm,
    committee: Committee,
    options?: { signal?: AbortSignal | undefined }
  ): Promise<void> {
    if (form.checks.length > 0) {
      const [byAuthor, byQuorum] = await this.#init.bls.verifyBls(form.checks, options)
      if (byAuthor === false) throw fault(signed, 'a false signature of the author')
      if (byQuorum === false) throw fault(signed, 'a false aggregate signature')
    }
    if (form.next === undefined) return
    const unproved = await this.#findFalseProof(form.next, committee)
    options?.signal?.throwIfAborted()
    if (unproved !== undefined) throw fault(signed, `validator ${unproved} does not prove possession of its key`)
  }

  #decodeNext(signed: SignedBlock, bytes: Uint8Array): Committee {
    const key = digestKey(digestOf('validator-set', bytes))
    const { committee } = this.#sets.get(key) ?? this.#remember(key, decodeSet(signed, bytes))
    if (committee.epoch !== signed.block.epoch + 1) throw fault(signed, `a set of epoch ${committee.epoch}`)
    return committee
  }

  #remember(key: string, committee: Committee): NextSet {
    const set: NextSet = { committee, proofs: undefined }
    this.#sets.set(key, set)
    for (const oldest of this.#sets.keys()) {
      if (this.#sets.size <= SETS_KEPT) break
      this.#sets.delete(oldest)
    }
    return set
  }

  /** Not tied to the signal of one caller, for others wait for the same result. */
  #findFalseProof(next: Committee, before: Committee): Promise<number | undefined> {
    const key = digestKey(next.digest)
    const set = this.#sets.get(key) ?? this.#remember(key, next)
    set.proofs ??= findFalseProof(next, { ...this.#init, before }).catch((thrown: unknown) => {
      set.proofs = undefined // a fault of ours, not the set's: the next caller tries again
      throw thrown
    })
    return set.proofs
  }
}

/** Copied, for it outlives the buffer that the block came in. */
function decodeSet(signed: SignedBlock, bytes: Uint8Array): Committee {
  try {
    return decodeCommittee(bytes.slice())
  } catch (cause) {
    if (!(cause instanceof ConsensusError)) throw cause
    throw fault(signed, cause.message, cause)
  }
}

function quorumKeys(signed: SignedBlock, bitmap: Uint8Array, committee: Committee): Uint8Array[] {
  const signers = decodeSigners(bitmap, committee)
  if (signers === undefined) throw fault(signed, 'a bitmap of signers that is not one of the committee')
  const stake = signers.reduce((sum, index) => sum + (committee.validators[index]?.votingPower ?? 0), 0)
  if (stake < QUORUM_STAKE) throw fault(signed, `an aggregate signature of stake ${stake}, under ${QUORUM_STAKE}`)
  return keysOf(signers, committee)
}

function keysOf(indexes: readonly number[], committee: Committee): Uint8Array[] {
  return indexes.flatMap((index) => committee.validators[index]?.authorityKey ?? [])
}

function fault(signed: SignedBlock, what: string, cause?: Error): VerifyError {
  const { ref } = signed
  const options = cause === undefined ? { block: ref } : { block: ref, cause }
  return new VerifyError('BLOCK_BAD_END_OF_EPOCH', `block ${formatBlockRef(ref)}: ${what}`, options)
}
