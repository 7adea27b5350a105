import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { randomInteger, seededRandom } from '../runtime/random.ts'
import type { CommitStore } from '../storage/commit-store.ts'
import {
  assertBytes,
  assertCertified,
  assertSubDag,
  assertWhole,
  CHAIN_LENGTH,
  certifiersOf,
  commitOf,
  openEmpty,
  openFilled,
  subDagAt,
  subDags
} from './storage-conformance-fixture.ts'
import type { StoreUnderTest } from './store-under-test.ts'

const SEED = 20_261_121

/** What readers see while others write and prune. */
export function concurrencyTests(underTest: StoreUnderTest): void {
  describe('reading while writing', () => {
    it('sees each write before or after, never between', async (t) => {
      const store = await openEmpty(t, underTest)
      let writing = true
      const readers = [1, 2, 3].map(async (reader) => {
        const random = seededRandom(SEED + reader)
        let last = 0
        do {
          await nextTurn() // a store in memory may answer without letting anyone else run
          const { highestSynced, highestCertifiable } = store.watermarks
          assert.ok(highestSynced.index >= last, `the watermark went back from ${last} to ${highestSynced.index}`)
          last = highestSynced.index
          if (last > 0) {
            assert.deepEqual(highestSynced, commitOf(last).ref)
            assert.equal(highestCertifiable, last, 'certifiers come with their commits')
            await assertWhole(store, subDagAt(last))
            await assertWhole(store, subDagAt(1 + randomInteger(random, last)))
            await assertCertified(store, last)
          }
          await assertWholeOrAbsent(store, Math.min(last + 1, CHAIN_LENGTH))
        } while (writing)
        return last
      })
      try {
        for (let start = 1; start <= CHAIN_LENGTH; start += 5) {
          await store.write({ commits: subDags(start, start + 4), certifiers: [certifiersOf(start + 4)] })
        }
      } finally {
        writing = false
      }
      await Promise.all(readers)
      assert.equal(store.watermarks.highestSynced.index, CHAIN_LENGTH)
    })

    it('iterates over a range that grows, without a gap', async (t) => {
      const store = await openFilled(t, underTest, 10)
      let expected = 1
      for await (const commit of store.readCommits(1, CHAIN_LENGTH)) {
        assert.equal(commit.ref.index, expected++)
        const { index } = store.watermarks.highestSynced
        if (index < CHAIN_LENGTH) await store.write({ commits: subDags(index + 1, index + 1) })
      }
      assert.ok(expected > 10, `ended before commit ${expected}`)
    })
  })

  describe('reading while pruning', () => {
    it('finds a commit whole or not at all', async (t) => {
      const store = await openFilled(t, underTest, CHAIN_LENGTH)
      const pruning = store.prune(CHAIN_LENGTH)
      const reading = Array.from({ length: CHAIN_LENGTH }, (_, i) => assertWholeOrAbsent(store, i + 1))
      await Promise.all([...reading, pruning])
      await assertWhole(store, subDagAt(CHAIN_LENGTH))
    })

    it('ends an iteration at what is pruned meanwhile', async (t) => {
      const store = await openFilled(t, underTest, CHAIN_LENGTH)
      let expected = 1
      for await (const commit of store.readCommits(1, CHAIN_LENGTH)) {
        assert.equal(commit.ref.index, expected++)
        if (expected === 3) await store.prune(CHAIN_LENGTH)
      }
      assert.ok(expected >= 3)
    })

    it('lets writes come between', async (t) => {
      const store = await openFilled(t, underTest, CHAIN_LENGTH - 10)
      const pruning = store.prune(CHAIN_LENGTH - 10)
      await store.write({ commits: subDags(CHAIN_LENGTH - 9, CHAIN_LENGTH) })
      await pruning
      assert.equal(store.watermarks.lowestAvailable, CHAIN_LENGTH - 10)
      for (const subDag of subDags(CHAIN_LENGTH - 10, CHAIN_LENGTH)) await assertWhole(store, subDag)
    })
  })
}

async function assertWholeOrAbsent(store: CommitStore, index: number): Promise<void> {
  const expected = subDagAt(index)
  const stored = await store.getCommit(index)
  if (stored !== undefined) assertBytes([stored.bytes], [expected.commit.bytes], `commit ${index}`)
  const subDag = await store.getSubDag(index)
  if (subDag !== undefined) assertSubDag(subDag, expected)
}
