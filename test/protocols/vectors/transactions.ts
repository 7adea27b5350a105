import {
  type CertifiedTransaction,
  type ConsensusTransaction,
  certificateMessage,
  consensusTransactionMessage,
  type TransactionCertificate,
  transactionDigest,
  transactionMessage
} from '../../../src/consensus/transaction.ts'
import { toHex } from '../../../src/runtime/hex.ts'
import { encodeCertified, encodeEndOfPublish } from '../../../src/testing/sign-transaction.ts'
import { blsAggregate, blsKeyPair, blsSign } from '../../../src/verify/bls.ts'
import { ed25519PublicKey, ed25519Sign } from '../../../src/verify/ed25519.ts'
import { encodeSigners } from '../../../src/verify/signer-bitmap.ts'
import { fieldsOf, filled } from './fields.ts'
import { chainId, committee, keys } from './fixture.ts'

const EPOCH = 0
const SIGNERS = [0, 1, 3]
/** Of the block that the transactions are in. */
const AUTHOR = 3

const senderSeed = filled(0x50)
const sender = ed25519PublicKey(senderSeed)
const payload = new TextEncoder().encode('pay 5 to Alice')
const digest = transactionDigest(sender, payload)
const signed = transactionMessage(chainId, payload)
const message = certificateMessage(chainId, EPOCH, digest)
const signatures = SIGNERS.map((signer) => signBy(signer, message))
const certified: CertifiedTransaction = {
  payload,
  sender,
  senderSignature: ed25519Sign(senderSeed, signed),
  certificate: certificateBy(SIGNERS, message)
}
const otherChain = filled(0x77)

function signBy(signer: number, over: Uint8Array): Uint8Array {
  const seed = keys[signer]?.authoritySeed
  if (seed === undefined) throw new RangeError(`no validator ${signer}`)
  return blsSign(blsKeyPair(seed).secretKey, over)
}

function certificateBy(signers: readonly number[], over: Uint8Array): TransactionCertificate {
  const aggregateSignature = blsAggregate(signers.map((signer) => signBy(signer, over)))
  return { epoch: EPOCH, aggregateSignature, signers: encodeSigners(signers, committee) }
}

function encode(changes: Partial<CertifiedTransaction>): Uint8Array {
  return encodeCertified({ ...certified, ...changes })
}

function withCertificate(changes: Partial<TransactionCertificate>): Uint8Array {
  return encode({ certificate: { ...certified.certificate, ...changes } })
}

function signedOver(over: Uint8Array): Uint8Array {
  return encode({ senderSignature: ed25519Sign(senderSeed, over) })
}

function certifiedOver(over: Uint8Array): Uint8Array {
  return withCertificate(certificateBy(SIGNERS, over))
}

/** A sender of small order: the equation of its signature holds over any message. */
function everybody(): Uint8Array {
  const identity = new Uint8Array(32).with(0, 1)
  const senderSignature = new Uint8Array(64).with(0, 1)
  const over = certificateMessage(chainId, EPOCH, transactionDigest(identity, payload))
  return encode({ sender: identity, senderSignature, certificate: certificateBy(SIGNERS, over) })
}

const whole = encode({})
const end = encodeEndOfPublish({ epoch: EPOCH, author: AUTHOR })
const invalid: readonly [string, Uint8Array][] = [
  ['neither kind', new Uint8Array(0)],
  ['both kinds', new Uint8Array([...whole, ...end])],
  ['a certified transaction cut short', whole.subarray(0, -1)],
  ['a certificate of another epoch', certificateOfNextEpoch()],
  ['a certificate of another epoch that says it is of this one', certifiedOver(certificateMessage(chainId, 1, digest))],
  ['a bitmap longer than the committee needs', withCertificate({ signers: Uint8Array.of(0b1011, 0) })],
  ['a bitmap that names somebody beyond the committee', withCertificate({ signers: Uint8Array.of(0b1_1011) })],
  ['a bitmap that names nobody', withCertificate({ signers: Uint8Array.of(0) })],
  ['signers without a quorum', withCertificate(certificateBy([0, 1], message))],
  ["a sender's signature over another payload", signedOver(transactionMessage(chainId, filled(1)))],
  ["a sender's signature for another chain", signedOver(transactionMessage(otherChain, payload))],
  ["a sender's signature over the bare payload", signedOver(payload)],
  ['a sender of small order', everybody()],
  ['a certificate for another chain', certifiedOver(certificateMessage(otherChain, EPOCH, digest))],
  ['a certificate of another transaction', certifiedOver(certificateMessage(chainId, EPOCH, filled(2)))],
  ['an aggregate by others than the bitmap names', withCertificate({ signers: encodeSigners([0, 1, 2], committee) })],
  ['an aggregate by fewer than the bitmap names', withCertificate({ signers: encodeSigners([0, 1, 2, 3], committee) })],
  ['an aggregate at infinity', withCertificate({ aggregateSignature: new Uint8Array(96).with(0, 0xc0) })],
  ['an end of publish of another epoch', encodeEndOfPublish({ epoch: 1, author: AUTHOR })],
  ['an end of publish of no validator', encodeEndOfPublish({ epoch: EPOCH, author: 4 })],
  ["an end of publish of another than the block's author", encodeEndOfPublish({ epoch: EPOCH, author: 2 })]
]

function certificateOfNextEpoch(): Uint8Array {
  return withCertificate({ ...certificateBy(SIGNERS, certificateMessage(chainId, 1, digest)), epoch: 1 })
}

export function transactionVectors(): unknown {
  const transaction: ConsensusTransaction = { certified, endOfPublish: undefined }
  const endOfPublish: ConsensusTransaction = { certified: undefined, endOfPublish: { epoch: EPOCH, author: AUTHOR } }
  return {
    about:
      'A user transaction, certified by the validators in signers of the committee in genesis.json, and an end of publish, as entries of Block.transactions. Each of invalid breaks one rule in a block by validator block_author.',
    chain_id: toHex(chainId),
    certified: {
      sender_seed: toHex(senderSeed),
      digest: toHex(digest),
      sender_message: toHex(signed),
      certificate_message: toHex(message),
      signers: SIGNERS,
      signatures: signatures.map(toHex),
      fields: fieldsOf(consensusTransactionMessage, transaction),
      bytes: toHex(whole)
    },
    end_of_publish: {
      fields: fieldsOf(consensusTransactionMessage, endOfPublish),
      bytes: toHex(end)
    },
    block_author: AUTHOR,
    invalid: invalid.map(([what, bytes]) => ({ what, bytes: toHex(bytes) }))
  }
}
