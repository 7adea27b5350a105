import type { BlockRef } from '../consensus/block-ref.ts'
import type { Committee } from '../consensus/committee.ts'
import { QUORUM_STAKE, TOTAL_VOTING_POWER } from '../consensus/limits.ts'
import { type Random, randomInteger } from '../runtime/random.ts'

/** What an author knows when it makes a block. */
export interface AncestorChoice {
  readonly author: number
  readonly committee: Committee
  /** The blocks of the round before, by author. */
  readonly parents: readonly BlockRef[]
  /** The blocks of the round before that, by author; unused where `linked` holds everyone. */
  readonly grandparents: readonly BlockRef[]
  /** Authors whose grandparent the author's own parent has linked. */
  readonly linked: ReadonlySet<number>
  readonly random: Random
}

/** Share of blocks that reach an author too late for its next block. A quarter: with 4 equal validators most blocks then miss one. */
const LATE_SHARE = 0.25

/**
 * Chooses the ancestors of a block: the author's own parent first, then for each other validator its parent or, where that is late,
 * its grandparent, unless the author has linked that one before. Parents chosen hold a quorum of stake.
 *
 * Nobody is ever two rounds late, so that a leader's history holds every block of two rounds before it.
 */
export function chooseAncestors(choice: AncestorChoice): BlockRef[] {
  const { author, committee, parents, grandparents, linked, random } = choice
  const count = committee.validators.length
  const start = randomInteger(random, count) // whoever comes first has the best chance to be late
  const ancestors = [parents[author] as BlockRef]
  let spare = TOTAL_VOTING_POWER - QUORUM_STAKE
  for (let step = 0; step < count; step++) {
    const other = (start + step) % count
    if (other === author) continue
    const power = committee.validators[other]?.votingPower as number
    const late = random.next() < LATE_SHARE && power <= spare
    if (late) spare -= power
    if (!late) ancestors.push(parents[other] as BlockRef)
    else if (!linked.has(other)) ancestors.push(grandparents[other] as BlockRef)
  }
  return ancestors
}
