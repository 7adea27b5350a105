import type { Committee } from '../../src/consensus/committee.ts'
import type { Digest } from '../../src/consensus/digest.ts'
import type { CertifiedTransaction } from '../../src/consensus/transaction.ts'
import { certificateMessage, transactionDigest, transactionMessage } from '../../src/consensus/transaction.ts'
import { buildGenesis } from '../../src/testing/genesis-builder.ts'
import { encodeCertified, encodeEndOfPublish, TransactionSigner } from '../../src/testing/sign-transaction.ts'
import { deriveValidatorKeys, type ValidatorKeys } from '../../src/testing/validator-keys.ts'
import { blsAggregate, blsKeyPair, blsSign } from '../../src/verify/bls.ts'
import { ed25519Sign } from '../../src/verify/ed25519.ts'
import { encodeSigners } from '../../src/verify/signer-bitmap.ts'

/** A committee, and who makes its transactions. */
export interface SampleCommittee {
  readonly chainId: Digest
  readonly committee: Committee
  readonly keys: readonly ValidatorKeys[]
  readonly signer: TransactionSigner
}

/** A committee of so many validators. */
export function committeeOf(stakes: readonly number[]): SampleCommittee {
  const { genesis, keys } = buildGenesis({
    validators: stakes.map((stake, index) => ({ keys: deriveValidatorKeys(1, index), stake })),
    startTimeMs: 1_767_225_600_000
  })
  const { chainId, committee } = genesis
  return { chainId, committee, keys, signer: new TransactionSigner({ chainId, committee, keys }) }
}

/** The committee of all samples: four validators of one power. */
export const four: SampleCommittee = committeeOf([1, 1, 1, 1])
const { chainId, committee, keys, signer } = four
export const otherChain: Uint8Array = new Uint8Array(32).fill(9)
export const SENDER: Uint8Array = new Uint8Array(32).fill(0x51)
export const OTHER_SENDER: Uint8Array = new Uint8Array(32).fill(0x52)

/** A valid transaction with a payload that tells it from others. */
export function sample(number: number): CertifiedTransaction {
  return signer.sign(SENDER, new TextEncoder().encode(`pay ${number}`))
}

/** The same, encoded. */
export function sampleBytes(number: number): Uint8Array {
  return encodeCertified(sample(number))
}

const original = sample(0)
const { payload, sender, certificate } = original
const digest = transactionDigest(sender, payload)
const flipped = (bytes: Uint8Array) => bytes.with(0, (bytes[0] ?? 0) ^ 1)

function certifiedBy(signers: readonly number[], options: { chainId?: Uint8Array; committee?: Committee } = {}) {
  return new TransactionSigner({ chainId, committee, keys, signers, ...options })
}

function withCertificate(changes: Partial<CertifiedTransaction['certificate']>): Uint8Array {
  return encodeCertified({ ...original, certificate: { ...certificate, ...changes } })
}

function withSender(changes: Partial<CertifiedTransaction>): Uint8Array {
  return encodeCertified({ ...original, ...changes })
}

/** The signatures of these validators over what certifies sample 0, added up; one of them perhaps more than once. */
export function sumOf(signers: readonly number[]): Uint8Array {
  const message = certificateMessage(chainId, 0, digest)
  const seeds = signers.map((index) => (keys[index] as ValidatorKeys).authoritySeed)
  return blsAggregate(seeds.map((seed) => blsSign(blsKeyPair(seed).secretKey, message)))
}

/** A field of a protobuf message: at most 127 bytes. */
function field(tag: number, content: Uint8Array): Uint8Array {
  return new Uint8Array(Buffer.concat([Buffer.of(tag, content.byteLength), content]))
}

const endOfPublish = encodeEndOfPublish({ epoch: 0, author: 1 })
const nobody = new Uint8Array(96).with(0, 0xc0)
/** The identity: with it as key and commitment, and a response of zero, the equation of Ed25519 holds over any message. */
const identity = new Uint8Array(32).with(0, 1)
const anothersCertificate = signer.sign(OTHER_SENDER, payload).certificate
const inEpoch = (epoch: number) => certifiedBy([0, 1, 2], { committee: { ...committee, epoch } }).certify(digest)

export interface BrokenTransaction {
  readonly bytes: Uint8Array
  readonly reason: RegExp
}

/** One rule broken at a time, by name. */
export const brokenTransactions: Readonly<Record<string, BrokenTransaction>> = {
  'no bytes': { bytes: new Uint8Array(0), reason: /does not decode: .*none of its fields/ },
  'bytes that are no message': { bytes: new Uint8Array(8).fill(0xff), reason: /does not decode/ },
  'neither kind': { bytes: field(0x1a, Uint8Array.of(1)), reason: /none of its fields/ },
  'both kinds': { bytes: new Uint8Array([...encodeCertified(original), ...endOfPublish]), reason: /more than one/ },
  'one kind twice': { bytes: new Uint8Array([...endOfPublish, ...endOfPublish]), reason: /there twice/ },
  'its end cut off': { bytes: encodeCertified(original).subarray(0, -1), reason: /does not decode/ },
  'a certified transaction without its certificate': {
    bytes: field(0x0a, Uint8Array.from([...field(0x0a, payload), ...field(0x12, sender)])),
    reason: /does not decode: .*is required/
  },
  "a sender's key of 31 bytes": {
    bytes: field(0x0a, field(0x12, sender.subarray(1))),
    reason: /does not decode: .*sender/
  },
  'a certificate of the epoch before': { bytes: withCertificate(inEpoch(1)), reason: /certified in epoch 1, not 0/ },
  'a certificate that only says it is of this epoch': {
    bytes: withCertificate({ ...inEpoch(1), epoch: 0 }),
    reason: /its signers did not sign/
  },
  'an empty bitmap': { bytes: withCertificate({ signers: new Uint8Array(0) }), reason: /bitmap/ },
  'a bitmap longer than the committee needs': {
    bytes: withCertificate({ signers: Uint8Array.of(0b111, 0) }),
    reason: /bitmap/
  },
  'a bitmap that names somebody beyond the committee': {
    bytes: withCertificate({ signers: Uint8Array.of(0b1_0111) }),
    reason: /bitmap/
  },
  'a bitmap that names nobody': {
    bytes: withCertificate({ signers: Uint8Array.of(0) }),
    reason: /stake 0, under 6667/
  },
  'signers without a quorum': { bytes: withCertificate(certifiedBy([0, 3]).certify(digest)), reason: /stake 5000/ },
  "another sender's key": { bytes: withSender({ sender: flipped(sender) }), reason: /not signed by its sender/ },
  "a sender's signature with one bit wrong": {
    bytes: withSender({ senderSignature: flipped(original.senderSignature) }),
    reason: /not signed by its sender/
  },
  'the signature of another sender': {
    bytes: withSender({ senderSignature: ed25519Sign(OTHER_SENDER, transactionMessage(chainId, payload)) }),
    reason: /not signed by its sender/
  },
  'a signature for another chain': {
    bytes: withSender({ senderSignature: ed25519Sign(SENDER, transactionMessage(otherChain, payload)) }),
    reason: /not signed by its sender/
  },
  'a signature over the bare payload': {
    bytes: withSender({ senderSignature: ed25519Sign(SENDER, payload) }),
    reason: /not signed by its sender/
  },
  'another payload': { bytes: withSender({ payload: flipped(payload) }), reason: /not signed by its sender/ },
  'a sender of small order, who signs everything': {
    bytes: encodeCertified({
      payload,
      sender: identity,
      senderSignature: new Uint8Array([...identity, ...new Uint8Array(32)]),
      certificate: signer.certify(transactionDigest(identity, payload))
    }),
    reason: /not signed by its sender/
  },
  'the certificate of another sender who pays the same': {
    bytes: withCertificate(anothersCertificate),
    reason: /its signers did not sign/
  },
  'the certificate of another payload': {
    bytes: withCertificate(sample(1).certificate),
    reason: /its signers did not sign/
  },
  'a certificate for another chain': {
    bytes: withCertificate(certifiedBy([0, 1, 2], { chainId: otherChain }).certify(digest)),
    reason: /its signers did not sign/
  },
  'an aggregate by fewer than its bitmap names': {
    bytes: withCertificate({ aggregateSignature: sumOf([0, 1]) }),
    reason: /its signers did not sign/
  },
  'an aggregate by more than its bitmap names': {
    bytes: withCertificate({ aggregateSignature: sumOf([0, 1, 2, 3]) }),
    reason: /its signers did not sign/
  },
  'an aggregate by others than its bitmap names': {
    bytes: withCertificate({ signers: encodeSigners([1, 2, 3], committee) }),
    reason: /its signers did not sign/
  },
  'an aggregate that counts a signer twice': {
    bytes: withCertificate({ aggregateSignature: sumOf([0, 0, 1]) }),
    reason: /its signers did not sign/
  },
  'an aggregate by nobody': {
    bytes: withCertificate({ aggregateSignature: nobody }),
    reason: /its signers did not sign/
  },
  'an aggregate that is no point': {
    bytes: withCertificate({ aggregateSignature: new Uint8Array(96).fill(1) }),
    reason: /its signers did not sign/
  },
  'an end of publishing in another epoch': {
    bytes: encodeEndOfPublish({ epoch: 1, author: 1 }),
    reason: /ends publishing in epoch 1, not 0/
  },
  'an end of publishing of no validator': {
    bytes: encodeEndOfPublish({ epoch: 0, author: 4 }),
    reason: /ends publishing for 4, who is no validator/
  },
  "an end of publishing in another's block": {
    bytes: encodeEndOfPublish({ epoch: 0, author: 2 }),
    reason: /for validator 2, in a block by 1/
  }
}

/** The author of the block that the broken ends of publishing are in. */
export const BLOCK_AUTHOR = 1
