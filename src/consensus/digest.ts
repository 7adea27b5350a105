import { blake2b } from '@noble/hashes/blake2.js'
import { toHex } from '../runtime/hex.ts'
import { nativeSodium } from '../runtime/native-sodium.ts'
import { DIGEST_LENGTH } from './limits.ts'

/** A BLAKE2b-256 digest: 32 bytes. */
export type Digest = Uint8Array

/** What is digested: each kind has its own domain, so that no bytes are two things at once. */
export type DigestDomain =
  | 'block'
  | 'commit'
  | 'genesis'
  | 'genesis-block'
  | 'validator-set'
  | 'transaction'
  | 'node-info'
  | 'known-peers'
  | 'rendezvous'

const domains = new Map<DigestDomain, Uint8Array>()

function domainBytes(domain: DigestDomain): Uint8Array {
  let bytes = domains.get(domain)
  if (bytes === undefined) {
    bytes = new TextEncoder().encode(`soma-p2p/1/digest/${domain}:`)
    domains.set(domain, bytes)
  }
  return bytes
}

/** BLAKE2b-256 over the parts, joined. Native where there is native code. */
export function blake2b256(...parts: Uint8Array[]): Digest {
  const digest = new Uint8Array(DIGEST_LENGTH)
  if (nativeSodium !== undefined) {
    nativeSodium.crypto_generichash_batch(digest, parts)
    return digest
  }
  const hash = blake2b.create({ dkLen: DIGEST_LENGTH })
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** The digest of a thing of one kind: BLAKE2b-256 over `soma-p2p/1/digest/<domain>:` and the parts. */
export function digestOf(domain: DigestDomain, ...parts: Uint8Array[]): Digest {
  return blake2b256(domainBytes(domain), ...parts)
}

/** A digest as the key of a `Map`. */
export function digestKey(digest: Digest): string {
  return toHex(digest)
}
