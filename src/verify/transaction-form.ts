import type { Committee } from '../consensus/committee.ts'
import type { Digest } from '../consensus/digest.ts'
import { intentPrefix } from '../consensus/intent.ts'
import { QUORUM_STAKE } from '../consensus/limits.ts'
import { StakeAggregator } from '../consensus/stake-aggregator.ts'
import {
  type CertifiedTransaction,
  type ConsensusTransaction,
  certificateMessage,
  consensusTransactionMessage,
  type EndOfPublish,
  transactionDigest
} from '../consensus/transaction.ts'
import { WireError } from '../runtime/wire-error.ts'
import type { BlsCheck } from './bls-verifier.ts'
import type { SignatureCheck } from './signature-verifier.ts'
import { decodeSigners } from './signer-bitmap.ts'

/** What was found of a transaction without looking at a signature. */
export type TransactionForm =
  | { readonly kind: 'invalid'; readonly reason: string }
  | { readonly kind: 'end-of-publish' }
  | CertifiedForm

/** A certified transaction whose form is valid: what is left to check of it are its signatures. */
export interface CertifiedForm {
  readonly kind: 'certified'
  readonly sender: SignatureCheck
  readonly certificate: BlsCheck
}

/** Where a transaction was found. */
export interface TransactionPlace {
  /** Of the epoch of the block. */
  readonly committee: Committee
  /** Index of the block's author in it, where there is a block. */
  readonly author: number | undefined
}

/** Reads transactions, and checks what costs little: all but signatures. */
export class TransactionForms {
  readonly #chainId: Digest
  readonly #prefix: Uint8Array

  constructor(chainId: Digest) {
    this.#chainId = chainId
    this.#prefix = intentPrefix('transaction', chainId)
  }

  check(bytes: Uint8Array, place: TransactionPlace): TransactionForm {
    let transaction: ConsensusTransaction
    try {
      transaction = consensusTransactionMessage.decode(bytes)
    } catch (thrown) {
      if (!(thrown instanceof WireError)) throw thrown
      return invalid(`does not decode: ${thrown.message}`)
    }
    const { certified, endOfPublish } = transaction
    if (endOfPublish !== undefined) return checkEndOfPublish(endOfPublish, place)
    if (certified !== undefined) return this.#checkCertified(certified, place)
    return invalid('is of no kind')
  }

  #checkCertified(transaction: CertifiedTransaction, { committee }: TransactionPlace): TransactionForm {
    const { payload, sender, senderSignature, certificate } = transaction
    const { epoch, aggregateSignature, signers: bitmap } = certificate
    if (epoch !== committee.epoch) return invalid(`is certified in epoch ${epoch}, not ${committee.epoch}`)
    const signers = decodeSigners(bitmap, committee)
    if (signers === undefined) return invalid('has a bitmap of signers that is not one of the committee')
    const stake = new StakeAggregator(committee)
    for (const signer of signers) stake.add(signer)
    if (!stake.hasQuorum) return invalid(`is certified by stake ${stake.stake}, under ${QUORUM_STAKE}`)
    return {
      kind: 'certified',
      sender: { publicKey: sender, signature: senderSignature, prefix: this.#prefix, payload },
      certificate: {
        publicKeys: signers.flatMap((signer) => committee.validators[signer]?.authorityKey ?? []),
        message: certificateMessage(this.#chainId, epoch, transactionDigest(sender, payload)),
        signature: aggregateSignature
      }
    }
  }
}

function checkEndOfPublish({ epoch, author }: EndOfPublish, place: TransactionPlace): TransactionForm {
  const { committee } = place
  if (epoch !== committee.epoch) return invalid(`ends publishing in epoch ${epoch}, not ${committee.epoch}`)
  if (committee.validators[author] === undefined) return invalid(`ends publishing for ${author}, who is no validator`)
  if (place.author !== undefined && author !== place.author) {
    return invalid(`ends publishing for validator ${author}, in a block by ${place.author}`)
  }
  return { kind: 'end-of-publish' }
}

function invalid(reason: string): TransactionForm {
  return { kind: 'invalid', reason }
}
