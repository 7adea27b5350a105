import { createRequire } from 'node:module'
import type * as Blst from '@chainsafe/blst'
import { BLS_KEY_LENGTH, BLS_SIGNATURE_LENGTH } from '../consensus/limits.ts'
import {
  portableBlsAggregate,
  portableBlsPublicKey,
  portableBlsSign,
  portableFastAggregateVerify,
  portableSecretKey
} from './bls-portable.ts'
import type { BlsCheck } from './bls-verifier.ts'
import { ParsedKeys } from './parsed-keys.ts'

/*
 * BLS12-381 with keys in G1 and signatures in G2, ciphersuite BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_ on both libraries.
 * Aggregates are safe only among keys with a proof of possession.
 */

const blst = load()
const keys = blst && new ParsedKeys((bytes) => parseKey(blst, bytes))

/** Whether native code does it: thirty times as fast, and by far the fastest in batches. */
export const isBlsNative: boolean = blst !== undefined

function load(): typeof Blst | undefined {
  if (process.env.SOMA_P2P_NO_NATIVE === '1') return undefined
  try {
    return createRequire(import.meta.url)('@chainsafe/blst') as typeof Blst
  } catch {
    return undefined // the pure JavaScript path gives the same results, thirty times slower
  }
}

export interface BlsKeyPair {
  /** 32 bytes. */
  readonly secretKey: Uint8Array
  /** 48 bytes, compressed. */
  readonly publicKey: Uint8Array
}

/**
 * The key pair of a seed, by KeyGen of draft-irtf-cfrg-bls-signature-05.
 *
 * @throws {RangeError} when the seed is under 32 bytes
 */
export function blsKeyPair(seed: Uint8Array): BlsKeyPair {
  if (seed.byteLength < 32) throw new RangeError(`a BLS seed of ${seed.byteLength} bytes, under 32`)
  if (blst === undefined) {
    const secretKey = portableSecretKey(seed)
    return { secretKey, publicKey: portableBlsPublicKey(secretKey) }
  }
  const secretKey = blst.SecretKey.fromKeygen(seed)
  return { secretKey: plain(secretKey.toBytes()), publicKey: plain(secretKey.toPublicKey().toBytes()) }
}

/** Signs a message: 96 bytes, the same for the same message. */
export function blsSign(secretKey: Uint8Array, message: Uint8Array): Uint8Array {
  if (blst === undefined) return portableBlsSign(secretKey, message)
  return plain(blst.SecretKey.fromBytes(secretKey).sign(message).toBytes())
}

/** Verifies one signature. A malformed key or signature, or one at infinity, is `false`. */
export function blsVerify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  return blsFastAggregateVerify([publicKey], message, signature)
}

/**
 * Adds signatures up.
 *
 * @throws {RangeError} when there is none, one is not a signature, or they cancel each other
 */
export function blsAggregate(signatures: readonly Uint8Array[]): Uint8Array {
  if (signatures.length === 0) throw new RangeError('no signatures to aggregate')
  try {
    if (blst === undefined) return portableBlsAggregate(signatures)
    const parsed = signatures.map((signature) => parseSignature(blst, signature))
    const sum = blst.aggregateSignatures(parsed)
    sum.sigValidate(true) // throws where they cancel each other
    return plain(sum.toBytes())
  } catch (cause) {
    throw new RangeError('not BLS signatures', { cause })
  }
}

/**
 * Verifies one signature by all the keys over one message. Every key must have proved its possession.
 *
 * No keys, malformed ones or a malformed signature are `false`, and so is whatever is at infinity: signed by nobody.
 */
export function blsFastAggregateVerify(
  publicKeys: readonly Uint8Array[],
  message: Uint8Array,
  aggregate: Uint8Array
): boolean {
  return blsVerifyEach([{ publicKeys, message, signature: aggregate }])[0] === true
}

/**
 * Verifies many signatures, each by all its keys over its message, with the results of {@link blsFastAggregateVerify} in their order: natively three times
 * as fast as one by one.
 *
 * They are verified together, each multiplied by a random number of 64 bits, so that false ones cannot make up for each other. Where that fails, one by one.
 */
export function blsVerifyEach(checks: readonly BlsCheck[]): boolean[] {
  if (blst === undefined || keys === undefined) {
    return checks.map((check) => portableFastAggregateVerify(check.publicKeys, check.message, check.signature))
  }
  const sets = checks.map((check) => parseCheck(blst, keys, check))
  const wellFormed = sets.filter((set) => set !== undefined)
  const areAllValid = wellFormed.length > 1 && blst.verifyMultipleAggregateSignatures(wellFormed)
  return sets.map((set) => set !== undefined && (areAllValid || blst.verify(set.msg, set.pk, set.sig)))
}

function parseCheck(
  native: typeof Blst,
  parsed: ParsedKeys<Blst.PublicKey>,
  { publicKeys, message, signature }: BlsCheck
): Blst.SignatureSet | undefined {
  try {
    const points = publicKeys.map((key) => parsed.get(key))
    const [only] = points
    if (only === undefined) return undefined
    const pk = points.length === 1 ? only : native.aggregatePublicKeys(points)
    return { msg: message, pk, sig: parseSignature(native, signature) }
  } catch {
    return undefined // not points of the group: nobody's key, nobody's signature
  }
}

function parseKey(native: typeof Blst, bytes: Uint8Array): Blst.PublicKey {
  if (bytes.byteLength !== BLS_KEY_LENGTH) throw new RangeError(`a BLS key of ${bytes.byteLength} bytes`)
  return native.PublicKey.fromBytes(bytes, true)
}

function parseSignature(native: typeof Blst, bytes: Uint8Array): Blst.Signature {
  if (bytes.byteLength !== BLS_SIGNATURE_LENGTH) throw new RangeError(`a BLS signature of ${bytes.byteLength} bytes`)
  return native.Signature.fromBytes(bytes, true, true)
}

/** A copy that is not a `Buffer`. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes)
}
