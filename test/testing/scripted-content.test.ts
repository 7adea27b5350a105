import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { toHex } from '../../src/runtime/hex.ts'
import { buildChain, type Chain, commitAt, forkChain } from '../../src/testing/chain-builder.ts'
import { ScriptedConsensus } from '../../src/testing/scripted-consensus.ts'
import type { ScriptedContent } from '../../src/testing/scripted-content.ts'
import { checkChain } from './check-dag.ts'
import { changing, fingerprint, fingerprintsOf } from './epoch-chain.ts'

/** Blocks that say where they lie. */
const content: ScriptedContent = ({ plan, round, author, roundKey }) => [
  new TextEncoder().encode(`${plan.epoch} ${round} ${author} of ${plan.committee.epoch}`),
  roundKey
]
const epochs = { commits: 6, validators: changing }

describe('a scripted consensus with content', () => {
  test('puts it into the blocks of every place, and makes a valid chain of them', () => {
    const chain = buildChain({ commits: 20, content, epochs })
    checkChain(chain.genesis, chain.commits, { length: 6, committees: chain.committees })
    for (const { subDag } of chain.commits) {
      for (const { block } of subDag.blocks) {
        const { epoch, round, author } = block
        assert.equal(
          new TextDecoder().decode(block.transactions[0]),
          `${epoch} ${round} ${author} of ${epoch}`,
          `block of round ${round}`
        )
      }
    }
  })

  test('has other round keys in each epoch, with each seed and on a fork', () => {
    const keyAt = (chain: Chain, index: number) =>
      toHex(commitAt(chain, index).subDag.blocks.at(-1)?.block.transactions[1] ?? new Uint8Array(0))
    const chain = buildChain({ commits: 20, content, epochs })
    const { genesis, keys } = chain
    const other = buildChain({ commits: 20, content, epochs, seed: 2, genesis: { genesis, keys } })
    const fork = forkChain(chain, { after: 8, commits: 20 })
    assert.equal(keyAt(chain, 1), keyAt(chain, 5))
    assert.notEqual(keyAt(chain, 1), keyAt(chain, 7))
    assert.notEqual(keyAt(chain, 1), keyAt(other, 1))
    assert.equal(keyAt(chain, 8), keyAt(fork, 8))
    assert.notEqual(keyAt(chain, 9), keyAt(fork, 9))
  })

  test('is the same after a snapshot at every commit', () => {
    const { options, commits } = buildChain({ commits: 20, content, epochs })
    const straight = commits.map(fingerprint)
    const first = new ScriptedConsensus(options)
    for (let taken = 0; taken <= 16; taken++) {
      const resumed = ScriptedConsensus.resume(options, first.snapshot())
      assert.deepEqual(fingerprintsOf(resumed, 4), straight.slice(taken, taken + 4), `resumed after ${taken}`)
      fingerprintsOf(first, 1)
    }
  })
})

describe('the time of commits', () => {
  test('is when the blocks are made that vote for them, with seven rounds more for the end of an epoch', () => {
    for (const length of [1, 2, 5]) {
      const { consensus, commits, genesis } = buildChain({
        commits: 12,
        roundIntervalMs: 40,
        epochs: { commits: length, validators: changing }
      })
      for (const { subDag } of commits) {
        const { index } = subDag.commit.ref
        assert.equal(consensus.dueMs(index), subDag.commit.commit.timestampMs + 3 * 40, `commit ${index}`)
        assert.equal(consensus.epochOf(index), subDag.commit.commit.epoch)
      }
      const rounds = 12 + (12 / length) * 7
      const [end, start] = [consensus.dueMs(12), genesis.startTimeMs]
      if (12 % length === 0) assert.equal(end - start, rounds * 40)
    }
  })

  test('has no pauses where epochs have no end', () => {
    const { consensus, genesis } = buildChain({ commits: 0, roundIntervalMs: 40 })
    assert.equal(consensus.dueMs(1_000) - genesis.startTimeMs, 1_003 * 40)
    assert.equal(consensus.epochOf(1_000_000), 0)
  })
})
