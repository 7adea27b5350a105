import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { subDagBytes } from '../../src/consensus/committed-sub-dag.ts'
import { encodeCommittee } from '../../src/consensus/committee.ts'
import { toHex } from '../../src/runtime/hex.ts'
import { buildChain, commitAt, forkChain, lastCommitOfEpoch } from '../../src/testing/chain-builder.ts'
import { changingValidators } from '../../src/testing/changing-validators.ts'
import { ScriptedConsensus } from '../../src/testing/scripted-consensus.ts'
import { checkChain } from './check-dag.ts'
import { chain, changing, fingerprint, fingerprintsOf } from './epoch-chain.ts'

describe('a scripted consensus with epochs', () => {
  test('makes the first epoch as one without, until it is about to end', () => {
    const endless = buildChain({ commits: 6 })
    assert.deepEqual(endless.commits.map(fingerprint), chain.commits.slice(0, 6).map(fingerprint))
  })

  test('makes the same chain in every instance', () => {
    assert.deepEqual(fingerprintsOf(new ScriptedConsensus(chain.options), 40), chain.commits.map(fingerprint))
  })

  test('never makes a transaction twice', () => {
    const seen = chain.commits.flatMap(({ subDag }) =>
      subDag.blocks.flatMap(({ block }) => block.transactions.map(toHex))
    )
    assert.equal(new Set(seen).size, seen.length)
  })

  for (const commits of [1, 2, 5]) {
    test(`goes on from a snapshot as if it had never stopped: epochs of ${commits}`, () => {
      const { options } = buildChain({ commits: 0, epochs: { commits, validators: changing } })
      const straight = fingerprintsOf(new ScriptedConsensus(options), 13)
      const first = new ScriptedConsensus(options)
      for (let taken = 0; taken <= 7; taken++) {
        const snapshot = first.snapshot()
        const resumed = ScriptedConsensus.resume(options, snapshot)
        assert.deepEqual(resumed.snapshot(), snapshot, `a snapshot of a snapshot after ${taken}`)
        assert.equal(resumed.lastCommit.index, taken)
        assert.deepEqual(fingerprintsOf(resumed, 6), straight.slice(taken, taken + 6), `resumed after ${taken}`)
        fingerprintsOf(first, 1)
      }
    })
  }

  test('refuses snapshots of other epochs', () => {
    const { options } = chain
    const resume = (commits: number, taken: number) => {
      const consensus = new ScriptedConsensus(options)
      fingerprintsOf(consensus, taken)
      return ScriptedConsensus.resume({ ...options, epochs: { commits, validators: changing } }, consensus.snapshot())
    }
    assert.throws(() => resume(7, 10), RangeError)
    assert.throws(() => resume(9, 8), RangeError)
    assert.throws(() => resume(4, 5), RangeError)
    assert.throws(
      () => ScriptedConsensus.resume({ ...options, epochs: undefined }, resume(8, 10).snapshot()),
      RangeError
    )
  })

  test('holds no more than a few rounds, and no epoch but those around', () => {
    const roundBytes = Math.max(...chain.commits.map(({ subDag }) => subDagBytes(subDag)))
    assert.ok(chain.consensus.snapshot().byteLength < 6 * roundBytes)
    const first = chain.consensus.epoch(1)
    for (let epoch = 2; epoch < 8; epoch++) chain.consensus.epoch(epoch)
    assert.notEqual(chain.consensus.epoch(1), first, 'kept for ever')
    assert.deepEqual(chain.consensus.epoch(1), first)
    assert.throws(() => chain.consensus.epoch(-1), RangeError)
  })

  for (const after of [0, 3, 7, 8, 9, 20]) {
    test(`forks after commit ${after}`, () => {
      const fork = forkChain(chain, { after, commits: 40 })
      checkChain(chain.genesis, fork.commits, { length: 8, committees: fork.committees })
      for (let index = 1; index <= 40; index++) {
        const [ours, theirs] = [chain, fork].map((of) => toHex(commitAt(of, index).subDag.commit.ref.digest))
        assert.equal(ours === theirs, index <= after, `commit ${index}`)
      }
    })
  }

  test('goes another way at the epoch whose quorum signs for other successors', () => {
    const others = changingValidators({ seed: 7, sizes: [4] })
    const validators = (epoch: number) => (epoch < 3 ? changing(epoch) : others(epoch))
    const usurped = buildChain({ commits: 40, epochs: { commits: 8, validators } })
    checkChain(chain.genesis, usurped.commits, { length: 8, committees: usurped.committees })
    const differs = chain.commits.findIndex(
      (commit, at) => fingerprint(commit) !== fingerprint(commitAt(usurped, at + 1))
    )
    assert.equal(differs + 1, lastCommitOfEpoch(chain, 2))
    assert.deepEqual(encodeCommittee(usurped.consensus.epoch(2).committee).digest, chain.committees[2]?.digest)
  })
})
