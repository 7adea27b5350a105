import { bls12_381 } from '@noble/curves/bls12-381.js'
import { expand, extract } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { BLS_KEY_LENGTH, BLS_SIGNATURE_LENGTH } from '../consensus/limits.ts'
import { ParsedKeys } from './parsed-keys.ts'

const { longSignatures: scheme, fields } = bls12_381
const DOMAIN = 'BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_'
type KeyPoint = ReturnType<typeof scheme.getPublicKey>
type SignaturePoint = ReturnType<typeof scheme.Signature.fromBytes>
const parsedKeys = new ParsedKeys(decodeKey)

/** KeyGen of draft-irtf-cfrg-bls-signature-05, section 2.3, without key info. */
export function portableSecretKey(seed: Uint8Array): Uint8Array {
  const LENGTH = 48 // ceil(3 * ceil(log2(r)) / 16)
  let salt = new TextEncoder().encode('BLS-SIG-KEYGEN-SALT-')
  while (true) {
    salt = new Uint8Array(sha256(salt))
    const key = extract(sha256, Buffer.concat([seed, Buffer.of(0)]), salt)
    const expanded = expand(sha256, key, Buffer.of(0, LENGTH), LENGTH)
    const secret = BigInt(`0x${Buffer.from(expanded).toString('hex')}`) % fields.Fr.ORDER
    if (secret !== 0n) return fields.Fr.toBytes(secret)
  }
}

/** The compressed public key of a secret key, in JavaScript. */
export function portableBlsPublicKey(secretKey: Uint8Array): Uint8Array {
  return scheme.getPublicKey(secretKey).toBytes()
}

/** Signs, in JavaScript. */
export function portableBlsSign(secretKey: Uint8Array, message: Uint8Array): Uint8Array {
  return scheme.Signature.toBytes(scheme.sign(scheme.hash(message, DOMAIN), secretKey))
}

/** Adds signatures up, in JavaScript. @throws when one is not a signature, or they cancel each other */
export function portableBlsAggregate(signatures: readonly Uint8Array[]): Uint8Array {
  return scheme.Signature.toBytes(scheme.aggregateSignatures(signatures.map(decodeSignature)))
}

/** Verifies one signature by all keys over one message, in JavaScript. */
export function portableFastAggregateVerify(
  publicKeys: readonly Uint8Array[],
  message: Uint8Array,
  aggregate: Uint8Array
): boolean {
  if (publicKeys.length === 0) return false
  let keys: KeyPoint[]
  let signature: SignaturePoint
  try {
    keys = publicKeys.map((key) => parsedKeys.get(key))
    signature = decodeSignature(aggregate)
  } catch {
    return false // not points of the group: nobody's key, nobody's signature
  }
  const sum = keys.reduce((total, key) => total.add(key))
  return !sum.is0() && scheme.verify(signature, scheme.hash(message, DOMAIN), sum)
}

function decodeKey(bytes: Uint8Array): KeyPoint {
  if (bytes.byteLength !== BLS_KEY_LENGTH) throw new RangeError(`a BLS key of ${bytes.byteLength} bytes`)
  const key = bls12_381.G1.Point.fromBytes(bytes)
  key.assertValidity() // on the curve, in the group
  if (key.is0()) throw new RangeError('the BLS key of nobody')
  return key
}

function decodeSignature(bytes: Uint8Array): SignaturePoint {
  if (bytes.byteLength !== BLS_SIGNATURE_LENGTH) throw new RangeError(`a BLS signature of ${bytes.byteLength} bytes`)
  const signature = scheme.Signature.fromBytes(bytes)
  signature.assertValidity()
  if (signature.is0()) throw new RangeError('the BLS signature of nobody')
  return signature
}
