import { ed25519 } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { ED25519_KEY_LENGTH, ED25519_SIGNATURE_LENGTH } from '../consensus/limits.ts'
import { bytesEqual } from '../runtime/hex.ts'

const { Point } = ed25519

/** The public key of a 32-byte seed, in JavaScript. */
export function portablePublicKey(seed: Uint8Array): Uint8Array {
  return ed25519.getPublicKey(seed)
}

/** Signs, in JavaScript. */
export function portableSign(seed: Uint8Array, message: Uint8Array): Uint8Array {
  return ed25519.sign(message, seed)
}

/**
 * Verifies in JavaScript exactly as libsodium does.
 *
 * Noble's own `verify` multiplies the equation by the cofactor, in its strict mode too, and so accepts signatures by keys and commitments
 * with a component of small order that libsodium refuses. Here the commitment is computed and its encoding compared instead.
 */
export function portableVerify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.byteLength !== ED25519_KEY_LENGTH || signature.byteLength !== ED25519_SIGNATURE_LENGTH) return false
  const commitment = signature.subarray(0, 32)
  const response = littleEndian(signature.subarray(32))
  if (response >= Point.Fn.ORDER) return false
  const key = decodePoint(publicKey)
  if (key === undefined || key.isSmallOrder()) return false
  const challenge = littleEndian(sha512.create().update(commitment).update(publicKey).update(message).digest())
  const expected = Point.BASE.multiplyUnsafe(response).subtract(key.multiplyUnsafe(challenge % Point.Fn.ORDER))
  return bytesEqual(expected.toBytes(), commitment) && !expected.isSmallOrder()
}

function decodePoint(bytes: Uint8Array): InstanceType<typeof Point> | undefined {
  try {
    return Point.fromBytes(bytes, false)
  } catch {
    return undefined // not on the curve, or not its canonical encoding
  }
}

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes.toReversed()).toString('hex')}`)
}
