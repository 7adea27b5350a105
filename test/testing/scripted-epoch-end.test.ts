import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { CommitRef } from '../../src/consensus/commit-ref.ts'
import { QUORUM_STAKE } from '../../src/consensus/limits.ts'
import { toHex } from '../../src/runtime/hex.ts'
import { buildChain, type Chain } from '../../src/testing/chain-builder.ts'
import { changingValidators } from '../../src/testing/changing-validators.ts'
import { ScriptedConsensus } from '../../src/testing/scripted-consensus.ts'
import { decodeSigners } from '../../src/verify/signer-bitmap.ts'
import { chain, changing, fingerprintsOf, lastOf, leaderOf } from './epoch-chain.ts'

describe('the end of an epoch', () => {
  test('is announced, signed by everyone, then proved by those whom the leader heard', () => {
    const seen = new Set<number>()
    for (let epoch = 0; epoch < 5; epoch++) {
      const commit = lastOf(chain, epoch)
      const leader = leaderOf(commit)
      const { block } = leader
      const following = chain.committees[epoch + 1]
      for (const { block: other } of commit.subDag.blocks) {
        const data = other.endOfEpoch
        const said = [data?.nextEpochStartMs, data?.nextValidatorSet, data?.stateHash, data?.authorSignature].map(
          (part) => part !== undefined
        )
        const known = block.round - other.round
        assert.deepEqual(
          said,
          known > 2
            ? [false, false, false, false]
            : known === 2
              ? [true, false, false, false]
              : [true, true, true, true]
        )
        assert.equal(data?.aggregateSignature !== undefined, known === 0)
        if (data?.nextValidatorSet) assert.deepEqual(data.nextValidatorSet, following?.bytes)
      }
      const committee = chain.committees[epoch]
      assert.ok(committee !== undefined && block.endOfEpoch?.signers !== undefined)
      const heard = block.ancestors.filter(({ round }) => round === block.round - 1).map(({ author }) => author)
      const signers = decodeSigners(block.endOfEpoch.signers, committee) ?? []
      assert.deepEqual(
        signers,
        heard.toSorted((a, b) => a - b)
      )
      const stake = signers.reduce((sum, index) => sum + (committee.validators[index]?.votingPower ?? 0), 0)
      assert.ok(stake >= QUORUM_STAKE)
      seen.add(signers.length)
    }
    assert.ok(seen.has(3), 'everyone is heard always')
  })

  test('is proved to one who is alone, and by more than two thirds of a hundred', () => {
    for (const [size, fewest] of [
      [1, 1],
      [100, 67]
    ] as const) {
      const validators = changingValidators({ sizes: [size] })
      const { commits, committees } = buildChain({
        commits: 1,
        validators: size,
        transactions: 0,
        epochs: { commits: 1, validators }
      })
      for (const [epoch, commit] of commits.entries()) {
        const committee = committees[epoch]
        const { signers } = leaderOf(commit).block.endOfEpoch ?? {}
        assert.ok(committee !== undefined && signers !== undefined)
        assert.ok((decodeSigners(signers, committee)?.length ?? 0) >= fewest)
      }
    }
  })

  test('hands over the state after the commit before the last, which is asked for once that was handed out', () => {
    for (const commits of [1, 2, 5]) {
      const asked: number[] = []
      let handedOut = 0
      const stateHash = ({ index }: CommitRef) => {
        asked.push(index)
        assert.equal(handedOut, index)
        return new Uint8Array(32).fill(index)
      }
      const { options } = buildChain({ commits: 0, epochs: { commits, validators: changing, stateHash } })
      const consensus = new ScriptedConsensus(options)
      for (let index = 1; index <= 3 * commits; index++) {
        const commit = consensus.nextCommit()
        handedOut = index
        if (index % commits === 0) {
          assert.deepEqual(leaderOf(commit).block.endOfEpoch?.stateHash, new Uint8Array(32).fill(index - 1))
        }
      }
      assert.deepEqual(
        asked,
        [1, 2, 3].map((epoch) => epoch * commits - 1)
      )
    }
  })

  test('can be tried again when the state was not at hand', () => {
    let failure: Error | undefined = new Error('not executed yet')
    const stateHash = () => {
      if (failure !== undefined) throw failure
      return new Uint8Array(32)
    }
    const { options } = buildChain({ commits: 0, epochs: { commits: 3, stateHash } })
    const consensus = new ScriptedConsensus(options)
    fingerprintsOf(consensus, 2)
    assert.throws(() => consensus.nextCommit(), failure)
    assert.equal(consensus.lastCommit.index, 2)
    failure = undefined
    const straight = new ScriptedConsensus(options)
    fingerprintsOf(straight, 2)
    assert.deepEqual(fingerprintsOf(consensus, 3), fingerprintsOf(straight, 3))
  })

  test('says nothing without proofs, and yet has the same validators next', () => {
    const epochs = { commits: 8, validators: changing, proofs: false }
    const unproven = buildChain({ commits: 20, epochs })
    const blocks = unproven.commits.flatMap(({ subDag }) => subDag.blocks)
    assert.ok(blocks.every(({ block }) => block.endOfEpoch === undefined))
    const digests = (from: Chain) => from.committees.slice(0, 3).map(({ digest }) => toHex(digest))
    assert.deepEqual(digests(unproven), digests(chain))
  })
})
