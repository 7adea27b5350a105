import { bls12_381 } from '@noble/curves/bls12-381.js'
import type { Committee } from '../consensus/committee.ts'
import type { Digest } from '../consensus/digest.ts'
import { StakeAggregator } from '../consensus/stake-aggregator.ts'
import {
  type CertifiedTransaction,
  certificateMessage,
  consensusTransactionMessage,
  type EndOfPublish,
  type TransactionCertificate,
  transactionDigest,
  transactionMessage
} from '../consensus/transaction.ts'
import { blsKeyPair, blsSign } from '../verify/bls.ts'
import { ed25519PublicKey, ed25519Sign } from '../verify/ed25519.ts'
import { encodeSigners } from '../verify/signer-bitmap.ts'
import type { ValidatorKeys } from './validator-keys.ts'

const { Fr } = bls12_381.fields

/** Who certifies transactions. */
export interface TransactionSignerInit {
  readonly chainId: Digest
  /** Of the epoch that certificates are for. */
  readonly committee: Committee
  /** The secrets of its validators, by index. */
  readonly keys: readonly ValidatorKeys[]
  /** Indexes of the validators that certify, each once. Whether they are enough is not checked. @default the first that hold a quorum */
  readonly signers?: readonly number[] | undefined
}

/**
 * Makes certified transactions of one epoch, as users and a quorum of validators would together.
 *
 * The validators sign as one, with the sum of their secrets: it gives the aggregate of their signatures in the time of a single one.
 */
export class TransactionSigner {
  readonly #chainId: Digest
  readonly #committee: Committee
  readonly #secret: Uint8Array
  readonly #signers: Uint8Array

  /** @throws {RangeError} when a signer is not in the committee, or there is none */
  constructor({ chainId, committee, keys, signers = quorumOf(committee) }: TransactionSignerInit) {
    if (signers.length === 0) throw new RangeError('nobody certifies')
    this.#chainId = chainId
    this.#committee = committee
    this.#signers = encodeSigners(signers, committee)
    const secrets = signers.map((index) => {
      const seed = keys[index]?.authoritySeed
      if (seed === undefined) throw new RangeError(`no secrets of validator ${index}`)
      return Fr.fromBytes(blsKeyPair(seed).secretKey)
    })
    this.#secret = Fr.toBytes(secrets.reduce((sum, secret) => Fr.add(sum, secret)))
  }

  /** Signs a payload with the sender's 32-byte Ed25519 seed, and certifies it. The same arguments give the same transaction. */
  sign(senderSeed: Uint8Array, payload: Uint8Array): CertifiedTransaction {
    const sender = ed25519PublicKey(senderSeed)
    const senderSignature = ed25519Sign(senderSeed, transactionMessage(this.#chainId, payload))
    return { payload, sender, senderSignature, certificate: this.certify(transactionDigest(sender, payload)) }
  }

  /** The certificate of a transaction, whatever it is. */
  certify(transaction: Digest): TransactionCertificate {
    const { epoch } = this.#committee
    const aggregateSignature = blsSign(this.#secret, certificateMessage(this.#chainId, epoch, transaction))
    return { epoch, aggregateSignature, signers: this.#signers }
  }
}

/** A certified transaction as an entry of a block's transactions. */
export function encodeCertified(certified: CertifiedTransaction): Uint8Array {
  return consensusTransactionMessage.encode({ certified, endOfPublish: undefined })
}

/** An end of publishing as an entry of a block's transactions. */
export function encodeEndOfPublish(endOfPublish: EndOfPublish): Uint8Array {
  return consensusTransactionMessage.encode({ certified: undefined, endOfPublish })
}

function quorumOf(committee: Committee): number[] {
  const stake = new StakeAggregator(committee)
  return [...committee.validators.keys()].filter((index) => !stake.hasQuorum && stake.add(index))
}
