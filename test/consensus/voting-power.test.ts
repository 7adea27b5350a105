import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ConsensusError } from '../../src/consensus/consensus-error.ts'
import { TOTAL_VOTING_POWER } from '../../src/consensus/limits.ts'
import { normaliseVotingPowers } from '../../src/consensus/voting-power.ts'
import { propertyOptions } from '../runtime/property-options.ts'

/** Stakes of which none is so small that it gets nothing. */
const stakes: fc.Arbitrary<number[]> = fc
  .array(fc.oneof(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })), {
    minLength: 1,
    maxLength: 100
  })
  .filter((all) => {
    const total = all.reduce((sum, stake) => sum + BigInt(stake), 0n)
    return all.every((stake) => BigInt(stake) * BigInt(TOTAL_VOTING_POWER) >= total)
  })

describe('normaliseVotingPowers', () => {
  it('sums to exactly 10,000', () => {
    fc.assert(
      fc.property(stakes, (all) => {
        assert.equal(
          normaliseVotingPowers(all).reduce((sum, power) => sum + power, 0),
          TOTAL_VOTING_POWER
        )
      }),
      propertyOptions
    )
  })

  it('never gives more power to less stake', () => {
    fc.assert(
      fc.property(stakes, (all) => {
        const powers = normaliseVotingPowers(all)
        const pairs = all.map((stake, index) => [stake, powers[index] as number] as const)
        pairs.sort((a, b) => a[0] - b[0])
        for (const [index, [stake, power]] of pairs.entries()) {
          const before = pairs[index - 1]
          if (before !== undefined && before[0] < stake) assert.ok(before[1] <= power)
        }
      }),
      propertyOptions
    )
  })

  it('is never a whole unit away from the exact share', () => {
    fc.assert(
      fc.property(stakes, (all) => {
        const total = all.reduce((sum, stake) => sum + BigInt(stake), 0n)
        for (const [index, power] of normaliseVotingPowers(all).entries()) {
          const exact = BigInt(all[index] as number) * BigInt(TOTAL_VOTING_POWER)
          const difference = BigInt(power) * total - exact
          assert.ok(difference < total && -difference < total)
        }
      }),
      propertyOptions
    )
  })

  it('gives what is left over to the largest remainders, the earlier first among equals', () => {
    assert.deepEqual(normaliseVotingPowers([1, 1, 1]), [3_334, 3_333, 3_333])
    assert.deepEqual(normaliseVotingPowers([1, 5, 1]), [1_429, 7_143, 1_428])
    assert.deepEqual(normaliseVotingPowers([9_007_199_254_740_991]), [10_000])
  })

  it('refuses no stakes, and stakes that are no positive safe integers', () => {
    for (const bad of [[], [0], [-1, 2], [1.5], [Number.NaN], [2 ** 53]]) {
      assert.throws(() => normaliseVotingPowers(bad), ConsensusError, String(bad))
    }
  })

  it('refuses a stake that would be left without power', () => {
    assert.throws(() => normaliseVotingPowers([1, 100_000]), { code: 'COMMITTEE_INVALID', message: /stake 0 is under/ })
  })
})
