import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rotatingCommittee } from '../../examples/scripted/rotating-committee.ts'
import { normaliseVotingPowers } from '../../src/consensus/voting-power.ts'
import { deriveValidatorKeys } from '../../src/testing/validator-keys.ts'

const members = Array.from({ length: 4 }, (_, index) => ({
  keys: deriveValidatorKeys(1, index),
  stake: 2_500,
  addresses: [`/ip4/127.0.0.1/tcp/${9_000 + index}`]
}))
const inEpoch = (epoch: number, from = members) =>
  rotatingCommittee(from)(epoch).map(({ keys }) => members.findIndex((member) => member.keys === keys))

test('in turn one sits out and comes back, and then all are there', () => {
  assert.deepEqual(
    Array.from({ length: 6 }, (_, at) => inEpoch(at + 1)),
    [
      [1, 2, 3],
      [0, 2, 3],
      [0, 1, 3],
      [0, 1, 2],
      [0, 1, 2, 3],
      [1, 2, 3]
    ]
  )
  for (let epoch = 0; epoch < 5; epoch++) assert.deepEqual(inEpoch(epoch, members.slice(0, 1)), [0])
  assert.deepEqual(
    Array.from({ length: 4 }, (_, at) => inEpoch(at + 1, members.slice(0, 2))),
    [[1], [0], [0, 1], [1]]
  )
})

test('voting powers move from epoch to epoch, and addresses stay', () => {
  const powers = (epoch: number) =>
    normaliseVotingPowers(rotatingCommittee(members)(epoch).map(({ stake = 1 }) => stake))
  assert.notDeepEqual(powers(5), powers(10))
  assert.notDeepEqual(powers(1), powers(2))
  assert.deepEqual(
    rotatingCommittee(members)(1).map(({ addresses }) => addresses),
    members.slice(1).map(({ addresses }) => addresses)
  )
})
