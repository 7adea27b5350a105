import type { Digest } from '../consensus/digest.ts'
import { RpcError } from '../rpc/rpc-error.ts'
import { type Random, shuffled } from '../runtime/random.ts'
import { PREFIX_BYTES } from './messages.ts'

/** What stands for a digest where many are listed: its first 8 bytes, as a number. */
export function prefixOf(digest: Digest): bigint {
  return Buffer.from(digest.buffer, digest.byteOffset, digest.byteLength).readBigUInt64BE()
}

/** The prefixes of digests, one after the other. Of more than `most` a random choice, so that none is left out for ever. */
export function encodePrefixes(digests: readonly Digest[], most: number, random: Random): Uint8Array {
  const chosen = digests.length > most ? shuffled(random, digests).slice(0, most) : digests
  const prefixes = new Uint8Array(chosen.length * PREFIX_BYTES)
  for (const [index, digest] of chosen.entries()) prefixes.set(digest.subarray(0, PREFIX_BYTES), index * PREFIX_BYTES)
  return prefixes
}

/**
 * The prefixes that a peer listed.
 *
 * @throws {RpcError} `RPC_INVALID_REQUEST` when the last one is cut short
 */
export function decodePrefixes(prefixes: Uint8Array = new Uint8Array(0)): Set<bigint> {
  if (prefixes.byteLength % PREFIX_BYTES !== 0) {
    throw new RpcError('RPC_INVALID_REQUEST', `known_prefixes of ${prefixes.byteLength} bytes, no multiple of 8`)
  }
  const found = new Set<bigint>()
  for (let at = 0; at < prefixes.byteLength; at += PREFIX_BYTES) found.add(prefixOf(prefixes.subarray(at)))
  return found
}
