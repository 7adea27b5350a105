import { type BlockRef, formatBlockRef } from '../consensus/block-ref.ts'
import { BlockRefMap, type ReadonlyBlockRefMap } from '../consensus/block-ref-map.ts'
import type { TrustedCommit } from '../consensus/commit.ts'
import type { CommittedSubDag } from '../consensus/committed-sub-dag.ts'
import type { VerifiedBlock } from '../consensus/signed-block.ts'
import { VerifyError } from './verify-error.ts'

/** Looks up the timestamp of a block of an earlier commit, where it is at hand. */
export type TimestampLookup = (ref: BlockRef) => number | undefined

/**
 * Puts a commit together with its blocks, in commit order, and checks that no block is older than an ancestor of it that is in the same commit or, where
 * its timestamp is at hand, in an earlier one.
 *
 * @param blocks others than the commit's own are ignored
 * @param timestampOf timestamps of blocks committed before. @default none is at hand
 * @throws {VerifyError} `ASSEMBLY_BLOCK_MISSING`, `ASSEMBLY_TIMESTAMP_REGRESSED`
 */
export function assembleSubDag(
  commit: TrustedCommit,
  blocks: ReadonlyBlockRefMap<VerifiedBlock>,
  timestampOf: TimestampLookup = () => undefined
): CommittedSubDag {
  const { index } = commit.ref
  const own = new BlockRefMap<VerifiedBlock>()
  const ordered: VerifiedBlock[] = []
  for (const ref of commit.commit.blocks) {
    const block = blocks.get(ref)
    if (block === undefined) {
      throw new VerifyError('ASSEMBLY_BLOCK_MISSING', `commit ${index} lacks ${formatBlockRef(ref)}`, { block: ref })
    }
    own.set(ref, block)
    ordered.push(block)
  }
  for (const { ref, block } of ordered) {
    for (const ancestor of block.ancestors) {
      const timestampMs = own.get(ancestor)?.block.timestampMs ?? timestampOf(ancestor)
      if (timestampMs === undefined || timestampMs <= block.timestampMs) continue
      const what = `block ${formatBlockRef(ref)} of commit ${index} is older than its ancestor ${formatBlockRef(ancestor)}`
      throw new VerifyError('ASSEMBLY_TIMESTAMP_REGRESSED', what, { block: ref })
    }
  }
  return { commit, blocks: ordered }
}
