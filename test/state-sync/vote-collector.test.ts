import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { blockRefKey } from '../../src/consensus/block-ref.ts'
import { decodeSignedBlock } from '../../src/consensus/signed-block.ts'
import { StakeAggregator } from '../../src/consensus/stake-aggregator.ts'
import { VoteCollector } from '../../src/state-sync/vote-collector.ts'
import { buildChain, commitAt, forgeSubDag } from '../../src/testing/index.ts'

const chain = buildChain({ commits: 40, validators: 7 })
const { committee } = chain.genesis

describe('VoteCollector', () => {
  it('certifies every commit but the last few from the blocks of later ones', () => {
    const collector = new VoteCollector()
    const certified = new Map<number, string[]>()
    for (let index = 1; index <= 40; index++) {
      for (const found of collector.add(commitAt(chain, index).subDag, committee, false)) {
        assert.ok(!certified.has(found.index), `commit ${found.index} twice`)
        certified.set(
          found.index,
          found.blocks.map(({ ref }) => blockRefKey(ref))
        )
        const stake = new StakeAggregator(committee)
        for (const { ref } of found.blocks) assert.ok(stake.add(ref.author))
        assert.ok(stake.hasQuorum)
      }
    }
    for (let index = 1; index <= 34; index++) assert.ok(certified.has(index), `commit ${index} is not certified`)
    const blocks = chain.commits.flatMap(({ subDag }) => subDag.blocks)
    const one = blocks.filter(({ ref }) => certified.get(5)?.includes(blockRefKey(ref)))
    assert.ok(one.length > 0 && one.every(({ block }) => block.commitVotes.some(({ index }) => index === 5)))
  })

  it('counts no vote for another digest, and no commit that is certified already', () => {
    const other = buildChain({ commits: 40, validators: 7, seed: 2, genesis: chain })
    const collector = new VoteCollector()
    collector.add(commitAt(chain, 1).subDag, committee, false)
    for (let index = 2; index <= 10; index++) {
      const found = collector.add(commitAt(other, index).subDag, committee, true)
      assert.deepEqual(
        found.filter(({ index }) => index === 1),
        []
      )
    }
  })

  it('counts an author once, however many blocks of its vote', () => {
    const collector = new VoteCollector()
    const first = commitAt(chain, 1).subDag
    collector.add(first, committee, false)
    const voter = decodeSignedBlock(commitAt(chain, 1).certifiers[0] ?? new Uint8Array())
    const found = collector.add(
      forgeSubDag(
        first.commit.ref,
        Array.from({ length: 7 }, () => voter)
      ),
      committee,
      true
    )
    assert.deepEqual(found, [])
  })
})
