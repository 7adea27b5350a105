import { ED25519_KEY_LENGTH, ED25519_SIGNATURE_LENGTH } from '../consensus/limits.ts'
import { ed25519Verify } from './ed25519.ts'
import type { SignatureCheck } from './signature-verifier.ts'

/*
 * A batch of Ed25519 checks in memory that two threads share, so that a message is copied once and nothing is allocated for it:
 *
 *   batch   = results, padded to 4 bytes | message lengths, uint32 each | record of each well-formed check
 *   results = 1 byte a check, written by the verifying thread: 1 for valid
 *   record  = key (32) | signature (64) | message
 *
 * The length of a check with a malformed key or signature is MALFORMED, and it has no record.
 */

const MALFORMED = 0xffff_ffff
const KEY_END = ED25519_KEY_LENGTH
const SIGNATURE_END = KEY_END + ED25519_SIGNATURE_LENGTH

/** Bytes that a check takes in a batch, at most. */
export function checkBytes({ prefix, payload }: SignatureCheck): number {
  return 8 + SIGNATURE_END + prefix.byteLength + payload.byteLength
}

/** Writes a batch into memory of at least the sum of its `checkBytes`. */
export function writeBatch(memory: SharedArrayBuffer, checks: readonly SignatureCheck[]): void {
  const bytes = new Uint8Array(memory)
  const lengths = lengthsOf(memory, checks.length)
  let offset = lengths.byteOffset + lengths.byteLength
  for (const [index, { publicKey, signature, prefix, payload }] of checks.entries()) {
    if (publicKey.byteLength !== ED25519_KEY_LENGTH || signature.byteLength !== ED25519_SIGNATURE_LENGTH) {
      lengths[index] = MALFORMED
      continue
    }
    lengths[index] = prefix.byteLength + payload.byteLength
    for (const part of [publicKey, signature, prefix, payload]) {
      bytes.set(part, offset)
      offset += part.byteLength
    }
  }
}

/** Verifies a batch and writes its results. */
export function verifyBatch(memory: SharedArrayBuffer, count: number): void {
  const results = resultsOf(memory, count)
  const lengths = lengthsOf(memory, count)
  let offset = lengths.byteOffset + lengths.byteLength
  for (const [index, length] of lengths.entries()) {
    if (length === MALFORMED) {
      results[index] = 0
      continue
    }
    const record = new Uint8Array(memory, offset, SIGNATURE_END + length)
    const key = record.subarray(0, KEY_END)
    results[index] = Number(ed25519Verify(key, record.subarray(SIGNATURE_END), record.subarray(KEY_END, SIGNATURE_END)))
    offset += record.byteLength
  }
}

/** Reads the results of a verified batch. */
export function readResults(memory: SharedArrayBuffer, count: number): boolean[] {
  return Array.from(resultsOf(memory, count), (result) => result === 1)
}

function resultsOf(memory: SharedArrayBuffer, count: number): Uint8Array {
  return new Uint8Array(memory, 0, count)
}

function lengthsOf(memory: SharedArrayBuffer, count: number): Uint32Array {
  return new Uint32Array(memory, Math.ceil(count / 4) * 4, count)
}
