import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decodeSignedBlock } from '../../src/consensus/signed-block.ts'
import { toHex } from '../../src/runtime/hex.ts'
import { buildChain, lastCommitOfEpoch } from '../../src/testing/chain-builder.ts'
import { changingValidators } from '../../src/testing/changing-validators.ts'
import { checkChain } from './check-dag.ts'
import { chain, changing, lastOf, leaderOf } from './epoch-chain.ts'

describe('epochs of a scripted consensus', () => {
  for (const [name, validators, epochs, commits] of [
    ['whose validators change', 4, { commits: 8, validators: changing }, 40],
    ['whose validators stay', 4, { commits: 5 }, 23],
    ['of one commit each', 4, { commits: 1, validators: changing }, 10],
    ['of two and three commits', [5, 2, 2, 1], { commits: 2 }, 9],
    ['of all sizes', 1, { commits: 6, validators: changingValidators({ sizes: [1, 4, 7] }) }, 36],
    ['of a hundred validators', 4, { commits: 2, validators: changingValidators({ sizes: [4, 100] }) }, 4],
    ['without proofs', 4, { commits: 8, validators: changing, proofs: false }, 40]
  ] as const) {
    test(`make a chain by the rules: ${name}`, () => {
      const built = buildChain({ commits, validators, epochs, transactions: 1 })
      checkChain(built.genesis, built.commits, { length: epochs.commits, committees: built.committees })
      assert.equal(built.committees.length, Math.floor(commits / epochs.commits) + 1)
    })
  }

  test('change members, powers and addresses', () => {
    const validators = changingValidators({
      sizes: [3, 5],
      addresses: (index, epoch) => [`/dns/v${index}/tcp/${epoch}`]
    })
    const { committees, consensus } = buildChain({ commits: 3, validators: 3, epochs: { commits: 1, validators } })
    assert.deepEqual(
      committees.map((committee) => committee.validators.length),
      [3, 5, 3, 5]
    )
    const [first, second] = [committees[1], committees[2]].map(
      (committee) => new Map(committee?.validators.map((validator) => [toHex(validator.networkKey), validator]))
    )
    const stays = [...(second?.keys() ?? [])].filter((key) => first?.has(key))
    assert.equal(stays.length, 3, 'of five, of whom one left')
    for (const key of stays) {
      const [before, after] = [first?.get(key), second?.get(key)]
      assert.notEqual(before?.votingPower, after?.votingPower)
      assert.equal(before?.addresses[0]?.replace(/1$/, '2'), after?.addresses[0])
      assert.deepEqual(before?.proofOfPossession, after?.proofOfPossession)
    }
    assert.deepEqual(consensus.epoch(3).committee.bytes, committees[3]?.bytes)
  })

  test('keep the validators of the genesis where nothing is said of them', () => {
    const { genesis, keys, consensus } = buildChain({ commits: 0, validators: [5, 2, 2, 1], epochs: { commits: 3 } })
    const { committee, keys: later } = consensus.epoch(2)
    const powers = genesis.committee.validators.map(({ votingPower }) => votingPower)
    assert.deepEqual(
      committee.validators.map(({ votingPower }) => votingPower),
      powers
    )
    assert.deepEqual(later, keys)
    assert.equal(committee.epoch, 2)
  })

  test('end where their plan says, which the last commit knows alone', () => {
    for (const epoch of [0, 1, 4]) assert.equal(lastCommitOfEpoch(chain, epoch), (epoch + 1) * 8)
    assert.throws(() => lastCommitOfEpoch(chain, 5), RangeError)
    assert.throws(() => lastCommitOfEpoch(buildChain({ commits: 3 }), 0), RangeError)
    for (const { subDag, nextCommittee } of chain.commits) {
      const { index } = subDag.commit.ref
      assert.equal(nextCommittee?.epoch, index % 8 === 0 ? index / 8 : undefined)
    }
  })

  test('follow each other in time, their blocks after everything of the epoch before', () => {
    let before = 0
    for (let epoch = 0; epoch < 5; epoch++) {
      const { startTimeMs, firstCommit, lastCommit } = chain.consensus.epoch(epoch)
      assert.ok(startTimeMs >= before, `epoch ${epoch} starts before the last block of the one before`)
      const commits = chain.commits.slice(firstCommit - 1, lastCommit)
      const votes = commits.flatMap(({ certifiers }) => certifiers.map(decodeSignedBlock))
      const blocks = [...commits.flatMap(({ subDag }) => subDag.blocks), ...votes]
      const times = blocks.map(({ block }) => block.timestampMs)
      assert.ok(Math.min(...times) >= startTimeMs, `a block of epoch ${epoch} from before its start`)
      before = Math.max(...times)
      assert.equal(leaderOf(lastOf(chain, epoch)).block.endOfEpoch?.nextEpochStartMs, before)
    }
  })

  test('are certified at their end by blocks that no commit holds', () => {
    const committed = new Set(chain.commits.flatMap(({ subDag }) => subDag.blocks.map(({ ref }) => toHex(ref.digest))))
    for (let epoch = 0; epoch < 5; epoch++) {
      for (const bytes of lastOf(chain, epoch).certifiers) {
        const { ref } = decodeSignedBlock(bytes)
        assert.equal(ref.epoch, epoch)
        assert.ok(!committed.has(toHex(ref.digest)))
      }
    }
  })

  test('refuse numbers of commits that are none', () => {
    for (const commits of [0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(() => buildChain({ commits: 0, epochs: { commits } }), RangeError)
    }
    assert.throws(() => changingValidators({ sizes: [] }), RangeError)
  })
})
