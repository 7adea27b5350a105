import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { blockRefKey } from '../../src/consensus/block-ref.ts'
import { subDagBytes } from '../../src/consensus/committed-sub-dag.ts'
import { decodeSignedBlock, type SignedBlock } from '../../src/consensus/signed-block.ts'
import type { ConsensusCommit } from '../../src/node/soma-node.ts'
import { toHex } from '../../src/runtime/hex.ts'
import { buildChain, commitAt } from '../../src/testing/chain-builder.ts'
import { ScriptedConsensus } from '../../src/testing/scripted-consensus.ts'
import { checkChain } from './check-dag.ts'

/** Everything of a commit that another process could compare. */
function fingerprint({ subDag, certifiers }: ConsensusCommit): string[] {
  return [subDag.commit.bytes, ...subDag.blocks.map((block) => block.bytes), ...certifiers].map(toHex)
}

function next(consensus: ScriptedConsensus, count: number): string[][] {
  return Array.from({ length: count }, () => fingerprint(consensus.nextCommit()))
}

describe('scripted consensus', () => {
  for (const [name, validators, commits] of [
    ['1 validator', 1, 50],
    ['4 validators', 4, 300],
    ['7 validators', 7, 150],
    ['4 validators, one with half of the stake', [5, 2, 2, 1], 200],
    ['5 validators, four of which hold next to nothing', [9_996, 1, 1, 1, 1], 100],
    ['100 validators', 100, 8]
  ] as const) {
    test(`makes a chain by the rules: ${name}`, () => {
      for (const seed of [1, 2]) {
        const chain = buildChain({ commits, validators, seed })
        assert.equal(chain.commits.length, commits)
        checkChain(chain.genesis, chain.commits)
      }
    })
  }

  test('commits every block of a round exactly once, two leaders later at the latest', () => {
    const commits = 200
    const chain = buildChain({ commits, validators: 7, seed: 3 })
    const counts = new Map<number, number>()
    for (const { subDag } of chain.commits) {
      for (const { ref } of subDag.blocks) {
        counts.set(ref.round, (counts.get(ref.round) ?? 0) + 1)
        assert.ok(subDag.commit.ref.index - ref.round <= 2, `round ${ref.round} in commit ${subDag.commit.ref.index}`)
      }
    }
    for (let round = 1; round <= commits - 2; round++) assert.equal(counts.get(round), 7, `round ${round}`)
  })

  test('leaves out late blocks, which later blocks link', () => {
    const chain = buildChain({ commits: 100, seed: 4 })
    const blocks: SignedBlock[] = chain.commits.flatMap(({ subDag }) => subDag.blocks)
    const missing = blocks.filter(
      ({ block }) => block.ancestors.filter((ancestor) => ancestor.round === block.round - 1).length < 4
    )
    const older = blocks.filter(({ block }) => block.ancestors.some((ancestor) => ancestor.round < block.round - 1))
    assert.ok(missing.length > 100, `${missing.length} of ${blocks.length} blocks miss a parent`)
    assert.ok(older.length > 10, `${older.length} of ${blocks.length} blocks link an older round`)
    const links = blocks.flatMap(({ ref, block }) =>
      block.ancestors.map((ancestor) => `validator ${ref.author} to ${blockRefKey(ancestor)}`)
    )
    assert.equal(new Set(links).size, links.length, 'somebody links a block that it has linked before')
  })

  test('chooses ancestors by the seed', () => {
    const shape = (seed: number) =>
      buildChain({ commits: 20, seed, transactions: 0, genesis }).commits.map(({ subDag }) => subDag.blocks.length)
    const genesis = buildChain({ commits: 0 })
    assert.notDeepEqual(shape(1), shape(2))
    assert.ok(new Set(shape(1)).size > 1, 'every round misses the same blocks')
  })

  test('leads in rotation and certifies with others each time', () => {
    const chain = buildChain({ commits: 8 })
    const authors = chain.commits.map(({ subDag }) => subDag.commit.commit.leader.author)
    assert.deepEqual(authors, [1, 2, 3, 0, 1, 2, 3, 0])
    const certifiers = chain.commits.map((commit) =>
      commit.certifiers.map((bytes) => decodeSignedBlock(bytes).ref.author)
    )
    assert.deepEqual(certifiers.slice(0, 4), [
      [1, 2, 3],
      [2, 3, 0],
      [3, 0, 1],
      [0, 1, 2]
    ])
  })

  test('fills blocks with as many transactions of the size asked', () => {
    for (const [transactions, transactionBytes] of [
      [10, 400],
      [0, 400],
      [3, 0],
      [1, 100_000]
    ] as const) {
      const { commits } = buildChain({ commits: 5, transactions, transactionBytes })
      for (const { subDag } of commits) {
        for (const { block } of subDag.blocks) {
          assert.deepEqual(
            block.transactions.map((transaction) => transaction.byteLength),
            new Array<number>(transactions).fill(transactionBytes)
          )
        }
      }
    }
    const seen = buildChain({ commits: 20 }).commits.flatMap(({ subDag }) =>
      subDag.blocks.flatMap(({ block }) => block.transactions.map(toHex))
    )
    assert.equal(new Set(seen).size, seen.length, 'a transaction came twice')
  })

  test('spaces rounds by the interval, from the start of the epoch', () => {
    const { commits } = buildChain({ commits: 5, startTimeMs: 1_000_000, roundIntervalMs: 40 })
    for (const { subDag } of commits) {
      assert.equal(subDag.commit.commit.timestampMs, 1_000_000 + 40 * subDag.commit.ref.index)
      for (const { block } of subDag.blocks) assert.equal(block.timestampMs, 1_000_000 + 40 * block.round)
    }
  })

  test('makes the same chain in every instance, and another for another seed', () => {
    const { options } = buildChain({ commits: 0, validators: 7 })
    const chain = next(new ScriptedConsensus(options), 60)
    assert.deepEqual(next(new ScriptedConsensus(options), 60), chain)
    const other = next(new ScriptedConsensus({ ...options, seed: options.seed + 1 }), 1)
    assert.notDeepEqual(other[0], chain[0])
  })

  for (const validators of [1, 4, 7]) {
    test(`goes on from a snapshot as if it had never stopped: ${validators} validators`, () => {
      const { options } = buildChain({ commits: 0, validators })
      const straight = next(new ScriptedConsensus(options), 40)
      for (const taken of [0, 1, 2, 3, 4, 5, 17, 30]) {
        const first = new ScriptedConsensus(options)
        next(first, taken)
        const snapshot = first.snapshot()
        const resumed = ScriptedConsensus.resume(options, snapshot)
        assert.deepEqual(resumed.snapshot(), snapshot, `a snapshot of a snapshot after ${taken}`)
        snapshot.fill(0) // what was resumed keeps nothing of the caller's bytes
        assert.equal(resumed.lastCommit.index, taken)
        assert.deepEqual(next(resumed, 10), straight.slice(taken, taken + 10), `resumed after ${taken}`)
        assert.deepEqual(
          next(first, 10),
          straight.slice(taken, taken + 10),
          `the first, after its snapshot at ${taken}`
        )
      }
    })
  }

  test('holds no more than a few rounds, however long the chain', () => {
    const chain = buildChain({ commits: 400 })
    const roundBytes = Math.max(...chain.commits.map(({ subDag }) => subDagBytes(subDag)))
    assert.ok(chain.consensus.snapshot().byteLength < 6 * roundBytes)
  })

  test('refuses snapshots of another chain or seed, and damaged ones', () => {
    const chain = buildChain({ commits: 5 })
    const snapshot = chain.consensus.snapshot()
    const other = buildChain({ commits: 0, seed: 2 })
    assert.throws(() => ScriptedConsensus.resume(other.options, snapshot), RangeError)
    assert.throws(() => ScriptedConsensus.resume({ ...chain.options, seed: 2 }, snapshot), RangeError)
    assert.throws(() => ScriptedConsensus.resume(chain.options, snapshot.subarray(0, 200)), { code: 'WIRE_MALFORMED' })
  })

  test('refuses keys that are not the committee in its order, and numbers out of range', () => {
    const { options } = buildChain({ commits: 0 })
    assert.throws(() => new ScriptedConsensus({ ...options, keys: options.keys.slice(1) }), RangeError)
    assert.throws(() => new ScriptedConsensus({ ...options, keys: options.keys.toReversed() }), RangeError)
    assert.throws(() => new ScriptedConsensus({ ...options, transactions: -1 }), RangeError)
    assert.throws(() => new ScriptedConsensus({ ...options, seed: 0.5 }), RangeError)
  })

  test('refuses a commit that the chain does not have', () => {
    assert.throws(() => commitAt({ commits: [] }, 1), RangeError)
  })
})
