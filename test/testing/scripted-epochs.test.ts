import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { CommitRef } from '../../src/consensus/commit-ref.ts'
import { subDagBytes } from '../../src/consensus/committed-sub-dag.ts'
import { encodeCommittee } from '../../src/consensus/committee.ts'
import { QUORUM_STAKE } from '../../src/consensus/limits.ts'
import { decodeSignedBlock, type VerifiedBlock } from '../../src/consensus/signed-block.ts'
import type { ConsensusCommit } from '../../src/node/soma-node.ts'
import { toHex } from '../../src/runtime/hex.ts'
import { buildChain, type Chain, commitAt, forkChain, lastCommitOfEpoch } from '../../src/testing/chain-builder.ts'
import { changingValidators } from '../../src/testing/changing-validators.ts'
import { ScriptedConsensus } from '../../src/testing/scripted-consensus.ts'
import { decodeSigners } from '../../src/verify/signer-bitmap.ts'
import { checkChain } from './check-dag.ts'

const changing = changingValidators({ sizes: [4] })
const chain = buildChain({ commits: 40, epochs: { commits: 8, validators: changing } })

/** Everything of a commit that another process could compare. */
function fingerprint({ subDag, certifiers }: ConsensusCommit): string {
  return [subDag.commit.bytes, ...subDag.blocks.map((block) => block.bytes), ...certifiers].map(toHex).join()
}

function next(consensus: ScriptedConsensus, count: number): string[] {
  return Array.from({ length: count }, () => fingerprint(consensus.nextCommit()))
}

function lastOf({ commits, consensus }: Chain, epoch: number) {
  return commitAt({ commits }, consensus.epoch(epoch).lastCommit)
}

function leaderOf({ subDag }: ConsensusCommit): VerifiedBlock {
  return subDag.blocks.at(-1) as VerifiedBlock
}

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
    next(consensus, 2)
    assert.throws(() => consensus.nextCommit(), failure)
    assert.equal(consensus.lastCommit.index, 2)
    failure = undefined
    const straight = new ScriptedConsensus(options)
    next(straight, 2)
    assert.deepEqual(next(consensus, 3), next(straight, 3))
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

describe('a scripted consensus with epochs', () => {
  test('makes the first epoch as one without, until it is about to end', () => {
    const endless = buildChain({ commits: 6 })
    assert.deepEqual(endless.commits.map(fingerprint), chain.commits.slice(0, 6).map(fingerprint))
  })

  test('makes the same chain in every instance', () => {
    assert.deepEqual(next(new ScriptedConsensus(chain.options), 40), chain.commits.map(fingerprint))
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
      const straight = next(new ScriptedConsensus(options), 13)
      const first = new ScriptedConsensus(options)
      for (let taken = 0; taken <= 7; taken++) {
        const snapshot = first.snapshot()
        const resumed = ScriptedConsensus.resume(options, snapshot)
        assert.deepEqual(resumed.snapshot(), snapshot, `a snapshot of a snapshot after ${taken}`)
        assert.equal(resumed.lastCommit.index, taken)
        assert.deepEqual(next(resumed, 6), straight.slice(taken, taken + 6), `resumed after ${taken}`)
        next(first, 1)
      }
    })
  }

  test('refuses snapshots of other epochs', () => {
    const { options } = chain
    const resume = (commits: number, taken: number) => {
      const consensus = new ScriptedConsensus(options)
      next(consensus, taken)
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

  test('holds no more than a few rounds, and no committee but those around', () => {
    const roundBytes = Math.max(...chain.commits.map(({ subDag }) => subDagBytes(subDag)))
    assert.ok(chain.consensus.snapshot().byteLength < 6 * roundBytes)
    assert.deepEqual(chain.consensus.epoch(0).committee, chain.genesis.committee)
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
