import { type CommitRef, commitRefMessage } from '../consensus/commit-ref.ts'
import type { Digest } from '../consensus/digest.ts'
import { DIGEST_LENGTH, MAX_BLOCK_BYTES, MAX_COMMITTEE_SIZE } from '../consensus/limits.ts'
import { bytes, message, repeated, submessage, uint64, type WireMessage } from '../runtime/wire-message.ts'

/** Where a scripted consensus stands between two commits. */
export interface ScriptedSnapshot {
  readonly chainId: Digest
  readonly seed: number
  /** The commit handed over last. */
  readonly lastCommit: CommitRef
  /** The signed blocks not committed yet, by round and author. */
  readonly uncommitted: readonly Uint8Array[]
}

export const scriptedSnapshotMessage: WireMessage<ScriptedSnapshot> = message('ScriptedSnapshot', {
  chainId: bytes(1, { length: DIGEST_LENGTH }),
  seed: uint64(2),
  lastCommit: submessage(3, commitRefMessage),
  uncommitted: repeated(bytes(4, { most: MAX_BLOCK_BYTES }), 5 * MAX_COMMITTEE_SIZE) // rounds r-1 to r+3 after the commit of round r
})
