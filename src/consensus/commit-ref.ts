import { bytesEqual } from '../runtime/hex.ts'
import { bytes, message, uint64, type WireMessage } from '../runtime/wire-message.ts'
import type { Digest } from './digest.ts'
import { DIGEST_LENGTH } from './limits.ts'

/** Names one commit: its index and its digest. */
export interface CommitRef {
  readonly index: number
  readonly digest: Digest
}

/** A commit reference carried in a later block: its author vouches for that commit. */
export type CommitVote = CommitRef

export const commitRefMessage: WireMessage<CommitRef> = message('CommitRef', {
  index: uint64(1),
  digest: bytes(2, { length: DIGEST_LENGTH })
})

/** Whether two references are of the same commit. */
export function commitRefsEqual(a: CommitRef, b: CommitRef): boolean {
  return a.index === b.index && bytesEqual(a.digest, b.digest)
}
