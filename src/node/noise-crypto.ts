import { hash, hkdfSync } from 'node:crypto'
import { type ICryptoInterface, pureJsCrypto } from '@chainsafe/libp2p-noise'
import { type NativeSodium, nativeSodium } from '../runtime/native-sodium.ts'
import { SlabAllocator } from './slab-allocator.ts'

const TAG_BYTES = 16
const KEY_BYTES = 32

/** The primitives of the noise handshake and of what follows it in libsodium and Node, or `undefined` on a platform that libsodium's prebuilt binaries do not serve. */
export const nativeNoiseCrypto: ICryptoInterface | undefined = nativeSodium && createNoiseCrypto(nativeSodium)

/**
 * A frame of noise costs half of what it does with the library's own choice of OpenSSL (which takes a cipher apart for each, and gives each part of a message a
 * buffer and a write of its own), and each direction makes one large buffer for many frames, or none: V8 collects for every large one.
 */
function createNoiseCrypto(sodium: NativeSodium): ICryptoInterface {
  const slabs = new SlabAllocator()
  return {
    ...pureJsCrypto, // what follows a seed, which noise does not use
    hashSHA256: (data) => hash('sha256', data.subarray(), 'buffer'),
    getHKDF(chainingKey, inputKey) {
      const okm = new Uint8Array(hkdfSync('sha256', inputKey, chainingKey, new Uint8Array(), 3 * KEY_BYTES))
      return [okm.subarray(0, KEY_BYTES), okm.subarray(KEY_BYTES, 2 * KEY_BYTES), okm.subarray(2 * KEY_BYTES)]
    },
    generateX25519KeyPair() {
      const publicKey = new Uint8Array(KEY_BYTES)
      const privateKey = new Uint8Array(KEY_BYTES)
      sodium.crypto_box_keypair(publicKey, privateKey)
      return { publicKey, privateKey }
    },
    generateX25519SharedKey(privateKey, publicKey) {
      const shared = new Uint8Array(KEY_BYTES)
      // refuses a public key of small order, as all others do here
      sodium.crypto_scalarmult(shared, privateKey.subarray(), publicKey.subarray())
      return shared
    },
    chaCha20Poly1305Encrypt(plaintext, nonce, ad, key) {
      const length = plaintext.byteLength
      const sealed = slabs.take(length + TAG_BYTES)
      copyInto(sealed, plaintext)
      const text = sealed.subarray(0, length)
      sodium.crypto_aead_chacha20poly1305_ietf_encrypt_detached(
        text,
        sealed.subarray(length),
        text,
        ad,
        null,
        nonce,
        key
      )
      return sealed
    },
    chaCha20Poly1305Decrypt(ciphertext, nonce, ad, key, destination) {
      const length = ciphertext.byteLength - TAG_BYTES
      if (length < 0) throw new RangeError('shorter than its tag')
      // The library gives the ciphertext's own bytes, joined, as the place to decrypt it to.
      const text = destination ?? ciphertext.subarray(0, length)
      const tag = ciphertext.subarray(length)
      const plaintext = destination ?? new Uint8Array(length)
      sodium.crypto_aead_chacha20poly1305_ietf_decrypt_detached(plaintext, null, text, tag, ad, nonce, key)
      return plaintext
    }
  }
}

function copyInto(target: Uint8Array, source: Uint8Array | Iterable<Uint8Array>): void {
  if (source instanceof Uint8Array) {
    target.set(source)
    return
  }
  let offset = 0
  for (const part of source) {
    target.set(part, offset)
    offset += part.byteLength
  }
}
