import { blockRefsEqual } from '../consensus/block-ref.ts'
import type { CommittedSubDag } from '../consensus/committed-sub-dag.ts'
import { type Committee, decodeCommittee } from '../consensus/committee.ts'

/**
 * The committee that a commit hands over to: the commit is the last of its epoch then. Its leader block carries the aggregate of a quorum over the next
 * committee (seed: Epoch Boundary Handling). That the aggregate is valid has been verified with the block.
 */
export function handOverOf({ commit, blocks }: CommittedSubDag): Committee | undefined {
  const { leader } = commit.commit
  const { endOfEpoch } = blocks.find(({ ref }) => blockRefsEqual(ref, leader))?.block ?? {}
  if (endOfEpoch?.aggregateSignature === undefined || endOfEpoch.nextValidatorSet === undefined) return undefined
  return decodeCommittee(endOfEpoch.nextValidatorSet.slice()) // a copy, for it outlives the block
}
