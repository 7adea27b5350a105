import { WireError } from '../runtime/wire-error.ts'
import { bytes, message, repeated, submessage, uint64, type WireMessage } from '../runtime/wire-message.ts'
import { type BlockRef, blockRefMessage } from './block-ref.ts'
import type { CommitRef } from './commit-ref.ts'
import { ConsensusError } from './consensus-error.ts'
import { type Digest, digestOf } from './digest.ts'
import { DIGEST_LENGTH, MAX_COMMIT_BLOCKS, MAX_COMMIT_BYTES } from './limits.ts'

/** One step of the chain: a leader block and its causal history not committed before. */
export interface Commit {
  /** From 1; commit 0 stands for the genesis. */
  readonly index: number
  /** Digest of the commit before; the chain id for commit 1. */
  readonly previousDigest: Digest
  readonly timestampMs: number
  readonly leader: BlockRef
  /** The blocks it commits, in commit order. */
  readonly blocks: readonly BlockRef[]
  readonly epoch: number
}

export const commitMessage: WireMessage<Commit> = message('Commit', {
  index: uint64(1),
  previousDigest: bytes(2, { length: DIGEST_LENGTH }),
  timestampMs: uint64(3),
  leader: submessage(4, blockRefMessage),
  blocks: repeated(submessage(5, blockRefMessage), MAX_COMMIT_BLOCKS),
  epoch: uint64(6)
})

/** A commit with the bytes that its digest is taken over. */
export interface EncodedCommit {
  readonly ref: CommitRef
  readonly commit: Commit
  /** The encoded `Commit`, as received. */
  readonly bytes: Uint8Array
}

declare const trusted: unique symbol

/** A commit produced locally or certified by a quorum, directly or through the hash chain from a certified later one. */
export type TrustedCommit = EncodedCommit & { readonly [trusted]: true }

/**
 * Reads a commit. Nothing is verified but its form.
 *
 * @throws {ConsensusError} `COMMIT_TOO_LARGE`, `COMMIT_MALFORMED`
 */
export function decodeCommit(bytes: Uint8Array): EncodedCommit {
  if (bytes.byteLength > MAX_COMMIT_BYTES) {
    throw new ConsensusError('COMMIT_TOO_LARGE', `a commit of ${bytes.byteLength} bytes, over ${MAX_COMMIT_BYTES}`)
  }
  try {
    const commit = commitMessage.decode(bytes)
    return { ref: { index: commit.index, digest: digestOf('commit', bytes) }, commit, bytes }
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause
    throw new ConsensusError('COMMIT_MALFORMED', `a commit that does not decode: ${cause.message}`, { cause })
  }
}

/** Encodes a commit of one's own making. */
export function encodeCommit(commit: Commit): EncodedCommit {
  return decodeCommit(commitMessage.encode(commit))
}

/** Says that a commit needs no further proof. Only certification, and a store reading its own data, may say so. */
export function trustCommit(commit: EncodedCommit): TrustedCommit {
  return commit as TrustedCommit
}
