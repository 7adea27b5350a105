import { blockRefsEqual } from '../consensus/block-ref.ts'
import type { CommittedSubDag } from '../consensus/committed-sub-dag.ts'
import { type Committee, decodeCommittee } from '../consensus/committee.ts'
import type { VerifiedBlock } from '../consensus/signed-block.ts'

/** What the last commit of an epoch hands over, by the signatures of a quorum. */
export interface ProvenHandOver {
  readonly next: Committee
  /** Digest of the executed state at the end of the epoch. */
  readonly stateHash: Uint8Array | undefined
  /** The block that says so. */
  readonly leader: VerifiedBlock
}

/**
 * What a commit hands over, which is the last of its epoch then. Its leader block carries the aggregate of a quorum over the next committee (seed: Epoch Boundary
 * Handling). That the aggregate is valid has been verified with the block.
 */
export function provenHandOverOf({ commit, blocks }: CommittedSubDag): ProvenHandOver | undefined {
  const leader = blocks.find(({ ref }) => blockRefsEqual(ref, commit.commit.leader))
  const { aggregateSignature, nextValidatorSet, stateHash } = leader?.block.endOfEpoch ?? {}
  if (leader === undefined || aggregateSignature === undefined || nextValidatorSet === undefined) return undefined
  return { next: decodeCommittee(nextValidatorSet.slice()), stateHash, leader } // a copy, for the committee outlives the block
}
