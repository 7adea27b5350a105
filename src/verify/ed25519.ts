import { ED25519_KEY_LENGTH, ED25519_SIGNATURE_LENGTH } from '../consensus/limits.ts'
import { type NativeSodium, nativeSodium } from '../runtime/native-sodium.ts'
import { portablePublicKey, portableSign, portableVerify } from './ed25519-portable.ts'

/** The public key of a 32-byte seed. */
export function ed25519PublicKey(seed: Uint8Array): Uint8Array {
  return nativeSodium === undefined ? portablePublicKey(seed) : nativeKeyPair(nativeSodium, seed).publicKey
}

/** Signs a message with the key of a 32-byte seed. The same message gives the same signature. */
export function ed25519Sign(seed: Uint8Array, message: Uint8Array): Uint8Array {
  if (nativeSodium === undefined) return portableSign(seed, message)
  const signature = new Uint8Array(ED25519_SIGNATURE_LENGTH)
  nativeSodium.crypto_sign_detached(signature, message, nativeKeyPair(nativeSodium, seed).secretKey)
  return signature
}

/**
 * Verifies a signature by the one rule of the chain, natively where there is native code: RFC 8032 with the equation without cofactor,
 * canonical encodings of key, commitment and response, and neither key nor commitment of small order.
 *
 * A malformed key or signature is `false`.
 */
export function ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (nativeSodium === undefined) return portableVerify(publicKey, message, signature)
  // libsodium throws on a wrong key length, and ignores what follows the first 64 bytes of a signature.
  if (publicKey.byteLength !== ED25519_KEY_LENGTH || signature.byteLength !== ED25519_SIGNATURE_LENGTH) return false
  return nativeSodium.crypto_sign_verify_detached(signature, message, publicKey)
}

function nativeKeyPair(sodium: NativeSodium, seed: Uint8Array): { publicKey: Uint8Array; secretKey: Uint8Array } {
  const publicKey = new Uint8Array(ED25519_KEY_LENGTH)
  const secretKey = new Uint8Array(ED25519_KEY_LENGTH * 2)
  sodium.crypto_sign_seed_keypair(publicKey, secretKey, seed)
  return { publicKey, secretKey }
}
