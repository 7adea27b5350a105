import type { TrustedCommit } from './commit.ts'
import type { VerifiedBlock } from './signed-block.ts'

/** A trusted commit with all its blocks, in commit order: what the executor consumes. */
export interface CommittedSubDag {
  readonly commit: TrustedCommit
  /** One for each of the commit's references, in the same order. */
  readonly blocks: readonly VerifiedBlock[]
}

/** Bytes that a sub-DAG holds: its commit and its blocks. */
export function subDagBytes(subDag: CommittedSubDag): number {
  return subDag.blocks.reduce((sum, block) => sum + block.bytes.byteLength, subDag.commit.bytes.byteLength)
}
