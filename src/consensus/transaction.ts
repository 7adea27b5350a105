import { bytes, message, optional, submessage, uint32, uint64, type WireMessage } from '../runtime/wire-message.ts'
import { type Digest, digestOf } from './digest.ts'
import { intentMessage } from './intent.ts'
import {
  BLS_SIGNATURE_LENGTH,
  ED25519_KEY_LENGTH,
  ED25519_SIGNATURE_LENGTH,
  MAX_BLOCK_BYTES,
  MAX_COMMITTEE_SIZE
} from './limits.ts'

/** A quorum's BLS signature over a user transaction. */
export interface TransactionCertificate {
  readonly epoch: number
  readonly aggregateSignature: Uint8Array
  /** Bit `i % 8` (least significant first) of byte `i / 8` stands for validator `i`. */
  readonly signers: Uint8Array
}

/** A user's transaction with the quorum that certified it. */
export interface CertifiedTransaction {
  readonly payload: Uint8Array
  /** The sender's Ed25519 public key. */
  readonly sender: Uint8Array
  readonly senderSignature: Uint8Array
  readonly certificate: TransactionCertificate
}

/** A validator saying that it will propose no more user transactions in the epoch. */
export interface EndOfPublish {
  readonly epoch: number
  /** Index of the validator in the epoch's committee. */
  readonly author: number
}

/** What a block's transactions hold: exactly one of the two. */
export interface ConsensusTransaction {
  readonly certified: CertifiedTransaction | undefined
  readonly endOfPublish: EndOfPublish | undefined
}

export const transactionCertificateMessage: WireMessage<TransactionCertificate> = message('TransactionCertificate', {
  epoch: uint64(1),
  aggregateSignature: bytes(2, { length: BLS_SIGNATURE_LENGTH }),
  signers: bytes(3, { most: Math.ceil(MAX_COMMITTEE_SIZE / 8) })
})

export const certifiedTransactionMessage: WireMessage<CertifiedTransaction> = message('CertifiedTransaction', {
  payload: bytes(1, { most: MAX_BLOCK_BYTES }),
  sender: bytes(2, { length: ED25519_KEY_LENGTH }),
  senderSignature: bytes(3, { length: ED25519_SIGNATURE_LENGTH }),
  certificate: submessage(4, transactionCertificateMessage)
})

export const endOfPublishMessage: WireMessage<EndOfPublish> = message('EndOfPublish', {
  epoch: uint64(1),
  author: uint32(2)
})

/** A transaction as it stands in a block. */
export const consensusTransactionMessage: WireMessage<ConsensusTransaction> = message(
  'ConsensusTransaction',
  {
    certified: optional(submessage(1, certifiedTransactionMessage)),
    endOfPublish: optional(submessage(2, endOfPublishMessage))
  },
  { exactlyOne: true }
)

/** Names a user transaction, whoever certified it: the digest over sender and payload. */
export function transactionDigest(sender: Uint8Array, payload: Uint8Array): Digest {
  return digestOf('transaction', sender, payload)
}

/** What the sender of a user transaction signs with Ed25519. */
export function transactionMessage(chainId: Digest, payload: Uint8Array): Uint8Array {
  return intentMessage('transaction', chainId, payload)
}

/** What validators sign with BLS to certify a user transaction: the epoch (8 bytes, big-endian) and the transaction's digest. */
export function certificateMessage(chainId: Digest, epoch: number, transaction: Digest): Uint8Array {
  const position = Buffer.alloc(8)
  position.writeBigUInt64BE(BigInt(epoch))
  return intentMessage('certificate', chainId, position, transaction)
}
