import { type BlockRef, blockRefKey, formatBlockRef } from '../consensus/block-ref.ts'
import type { TrustedCommit } from '../consensus/commit.ts'
import type { CommittedSubDag } from '../consensus/committed-sub-dag.ts'
import type { VerifiedBlock } from '../consensus/signed-block.ts'
import { VerifyError } from './verify-error.ts'

/** Looks up the timestamp of a block of an earlier commit, where it is at hand. The key is the reference's `blockRefKey`. */
export type TimestampLookup = (ref: BlockRef, key: string) => number | undefined

/**
 * Puts a commit together with its blocks, in commit order, and checks that no block is older than an ancestor of it that is in the same commit or, where
 * its timestamp is at hand, in an earlier one.
 *
 * @param blocks by `blockRefKey`; others than the commit's own are ignored
 * @param timestampOf timestamps of blocks committed before. @default none is at hand
 * @throws {VerifyError} `ASSEMBLY_BLOCK_MISSING`, `ASSEMBLY_TIMESTAMP_REGRESSED`
 */
export function assembleSubDag(
  commit: TrustedCommit,
  blocks: ReadonlyMap<string, VerifiedBlock>,
  timestampOf: TimestampLookup = () => undefined
): CommittedSubDag {
  const { index } = commit.ref
  const own = new Map<string, VerifiedBlock>()
  for (const ref of commit.commit.blocks) {
    const key = blockRefKey(ref)
    const block = blocks.get(key)
    if (block === undefined) {
      throw new VerifyError('ASSEMBLY_BLOCK_MISSING', `commit ${index} lacks ${formatBlockRef(ref)}`, { block: ref })
    }
    own.set(key, block)
  }
  for (const { ref, block } of own.values()) {
    for (const ancestor of block.ancestors) {
      const key = blockRefKey(ancestor)
      const timestampMs = own.get(key)?.block.timestampMs ?? timestampOf(ancestor, key)
      if (timestampMs === undefined || timestampMs <= block.timestampMs) continue
      const what = `block ${formatBlockRef(ref)} of commit ${index} is older than its ancestor ${formatBlockRef(ancestor)}`
      throw new VerifyError('ASSEMBLY_TIMESTAMP_REGRESSED', what, { block: ref })
    }
  }
  return { commit, blocks: [...own.values()] }
}
