import type { Digest } from '../consensus/digest.ts'
import { intentMessage } from '../consensus/intent.ts'

/** What validators sign at the end of an epoch: who comes after them, when, and on what state. */
export interface HandOver {
  /** The epoch that ends. */
  readonly epoch: number
  /** Digest of the next epoch's encoded `ValidatorSet`. */
  readonly nextSetDigest: Digest
  /** Start of the next epoch, in milliseconds since the Unix epoch. */
  readonly nextEpochStartMs: number
  /** Digest of the executed state at the end of the epoch, 32 bytes. */
  readonly stateHash: Uint8Array
}

/**
 * The message that a hand-over's BLS signatures, the authors' own and their aggregate, are made over:
 *
 * ```
 * message = intent prefix 'end-of-epoch' of the chain (32 bytes)
 *         | epoch that ends                           (8 bytes, big-endian)
 *         | digest of the next set's bytes            (32 bytes, domain 'validator-set')
 *         | start of the next epoch, ms               (8 bytes, big-endian)
 *         | state hash                                (32 bytes)
 * ```
 */
export function handOverMessage(chainId: Digest, handOver: HandOver): Uint8Array {
  const { epoch, nextSetDigest, nextEpochStartMs, stateHash } = handOver
  return intentMessage('end-of-epoch', chainId, uint64(epoch), nextSetDigest, uint64(nextEpochStartMs), stateHash)
}

function uint64(value: number): Uint8Array {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}
