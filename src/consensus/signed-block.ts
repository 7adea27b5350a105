import { WireError } from '../runtime/wire-error.ts'
import { type Block, blockMessage } from './block.ts'
import type { BlockRef } from './block-ref.ts'
import { ConsensusError } from './consensus-error.ts'
import { type Digest, digestOf } from './digest.ts'
import { ED25519_SIGNATURE_LENGTH, MAX_BLOCK_BYTES } from './limits.ts'

/**
 * A block as it travels and is stored: 64 bytes of the author's Ed25519 signature, then the encoded `Block`, as received.
 * Its digest is taken over exactly these bytes.
 */
export interface SignedBlock {
  readonly ref: BlockRef
  readonly block: Block
  /** Signature and block, as received. Everything in `block` that is bytes is a view into it. */
  readonly bytes: Uint8Array
}

declare const verified: unique symbol

/** A signed block that passed the block verifier, or that a quorum certified. */
export type VerifiedBlock = SignedBlock & { readonly [verified]: true }

/** The signature part of a signed block's bytes. */
export function blockSignature(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, ED25519_SIGNATURE_LENGTH)
}

/** The part of a signed block's bytes that is signed: the encoded `Block`. */
export function blockPayload(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(ED25519_SIGNATURE_LENGTH)
}

/**
 * Reads a signed block. Nothing is verified but its form.
 *
 * @throws {ConsensusError} `BLOCK_TOO_LARGE`, `BLOCK_MALFORMED`
 */
export function decodeSignedBlock(bytes: Uint8Array): SignedBlock {
  return decodeDigestedBlock(bytes, () => digestOf('block', bytes))
}

/** The same, for a caller that has the digest of the bytes already. */
export function decodeDigestedBlock(bytes: Uint8Array, digest: () => Digest): SignedBlock {
  if (bytes.byteLength > MAX_BLOCK_BYTES) {
    throw new ConsensusError('BLOCK_TOO_LARGE', `a block of ${bytes.byteLength} bytes, over ${MAX_BLOCK_BYTES}`)
  }
  if (bytes.byteLength <= ED25519_SIGNATURE_LENGTH) {
    throw new ConsensusError('BLOCK_MALFORMED', 'a block shorter than its signature')
  }
  let block: Block
  try {
    block = blockMessage.decode(blockPayload(bytes))
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause
    throw new ConsensusError('BLOCK_MALFORMED', `a block that does not decode: ${cause.message}`, { cause })
  }
  const ref = {
    epoch: block.epoch,
    round: block.round,
    author: block.author,
    digest: digest()
  }
  return { ref, block, bytes }
}

/** Says that a block needs no further proof. Only the verifier, and a store reading its own data, may say so. */
export function trustBlock(block: SignedBlock): VerifiedBlock {
  return block as VerifiedBlock
}
