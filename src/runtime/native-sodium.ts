import { createRequire } from 'node:module'

/** The part of sodium-native, which ships no types, that this package uses. */
export interface NativeSodium {
  crypto_generichash_batch(output: Uint8Array, inputs: Uint8Array[]): void
  crypto_sign_verify_detached(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean
  crypto_sign_detached(signature: Uint8Array, message: Uint8Array, secretKey: Uint8Array): void
  crypto_box_keypair(publicKey: Uint8Array, secretKey: Uint8Array): void
  crypto_scalarmult(shared: Uint8Array, secretKey: Uint8Array, publicKey: Uint8Array): void
  crypto_aead_chacha20poly1305_ietf_encrypt_detached(
    ciphertext: Uint8Array,
    tag: Uint8Array,
    message: Uint8Array,
    associatedData: Uint8Array,
    secretNonce: null,
    nonce: Uint8Array,
    key: Uint8Array
  ): void
  crypto_aead_chacha20poly1305_ietf_decrypt_detached(
    message: Uint8Array,
    secretNonce: null,
    ciphertext: Uint8Array,
    tag: Uint8Array,
    associatedData: Uint8Array,
    nonce: Uint8Array,
    key: Uint8Array
  ): void
  crypto_sign_seed_keypair(publicKey: Uint8Array, secretKey: Uint8Array, seed: Uint8Array): void
}

/** libsodium, or `undefined` on a platform that its prebuilt binaries do not serve. */
export const nativeSodium: NativeSodium | undefined = load()

function load(): NativeSodium | undefined {
  if (process.env.SOMA_P2P_NO_NATIVE === '1') return undefined
  try {
    return createRequire(import.meta.url)('sodium-native') as NativeSodium
  } catch {
    return undefined // the pure JavaScript paths give the same results, slower
  }
}
