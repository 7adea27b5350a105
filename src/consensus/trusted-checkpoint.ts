import type { CommitRef } from './commit-ref.ts'
import type { Committee } from './committee.ts'

/** A commit that is known to be of the chain from elsewhere than from peers: from the operator of another node, or a release. */
export interface TrustedCheckpoint {
  readonly commit: CommitRef
  /** Of the epoch that the chain goes on in after the commit: the next one, where the commit is the last of its epoch. */
  readonly committee: Committee
}
