import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encodeCommittee } from '../../src/consensus/committee.ts'
import { StakeAggregator } from '../../src/consensus/stake-aggregator.ts'
import { makeValidator } from './make-validator.ts'

const committee = encodeCommittee({
  epoch: 0,
  validators: [3_333, 3_333, 1, 3_333].map((votingPower, index) => makeValidator(index, { votingPower }))
})

describe('StakeAggregator', () => {
  it('has validity from 3,334 and a quorum from 6,667', () => {
    const stake = new StakeAggregator(committee)
    stake.add(0)
    assert.deepEqual([stake.stake, stake.hasValidity, stake.hasQuorum], [3_333, false, false])
    stake.add(2)
    assert.deepEqual([stake.stake, stake.hasValidity, stake.hasQuorum], [3_334, true, false])

    const two = new StakeAggregator(committee)
    two.add(0)
    two.add(1)
    assert.deepEqual([two.stake, two.hasQuorum], [6_666, false])
    two.add(2)
    assert.deepEqual([two.stake, two.hasQuorum], [6_667, true])
  })

  it('counts nobody twice', () => {
    const stake = new StakeAggregator(committee)
    assert.deepEqual([stake.add(1), stake.add(1)], [true, false])
    assert.deepEqual([stake.stake, stake.size], [3_333, 1])
  })

  it('counts nobody from outside the committee', () => {
    const stake = new StakeAggregator(committee)
    for (const index of [4, -1, 0.5, Number.NaN]) assert.equal(stake.add(index), false)
    assert.deepEqual([stake.stake, stake.size], [0, 0])
  })
})
