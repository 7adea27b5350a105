import { ConsensusError } from './consensus-error.ts'
import { TOTAL_VOTING_POWER } from './limits.ts'

/**
 * Scales stakes to voting powers that sum to exactly 10,000, by largest remainder: each gets its share rounded down, and what
 * is left over goes to the largest remainders, the earlier first among equals.
 *
 * @throws {ConsensusError} `COMMITTEE_INVALID` when there is no stake, or one is not a positive safe integer, or so small that it would get no power
 */
export function normaliseVotingPowers(stakes: readonly number[]): number[] {
  if (stakes.length === 0) throw new ConsensusError('COMMITTEE_INVALID', 'no stakes')
  for (const stake of stakes) {
    if (!Number.isSafeInteger(stake) || stake <= 0) throw new ConsensusError('COMMITTEE_INVALID', `a stake of ${stake}`)
  }
  const total = stakes.reduce((sum, stake) => sum + BigInt(stake), 0n)
  const shares = stakes.map((stake, index) => {
    const scaled = BigInt(stake) * BigInt(TOTAL_VOTING_POWER)
    return { index, power: Number(scaled / total), remainder: scaled % total }
  })
  let left = TOTAL_VOTING_POWER - shares.reduce((sum, share) => sum + share.power, 0)
  for (const share of shares.toSorted((a, b) =>
    a.remainder === b.remainder ? a.index - b.index : a.remainder > b.remainder ? -1 : 1
  )) {
    if (left === 0) break
    share.power += 1
    left -= 1
  }
  const powerless = shares.find((share) => share.power === 0)
  if (powerless !== undefined) {
    throw new ConsensusError('COMMITTEE_INVALID', `stake ${powerless.index} is under one ten-thousandth of the whole`)
  }
  return shares.map((share) => share.power)
}
