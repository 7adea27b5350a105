import type { CommitteeMember } from '../../src/testing/committee-builder.ts'

/**
 * Committees that change with every epoch: in turn one validator sits out and comes back, and then they are all there for once; voting powers move as
 * well. A validator that is alone stays.
 *
 * @param members those of epoch 0, by index in its committee
 */
export function rotatingCommittee(members: readonly CommitteeMember[]): (epoch: number) => CommitteeMember[] {
  return (epoch) => {
    const sitsOut = members.length === 1 ? -1 : (epoch % (members.length + 1)) - 1
    return members.flatMap((member, index) =>
      index === sitsOut ? [] : { ...member, stake: (member.stake ?? 1) * (4 + ((index + epoch) % 3)) }
    )
  }
}
