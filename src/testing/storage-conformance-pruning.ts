import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { BlockRef } from '../consensus/block-ref.ts'
import { blockRefKey } from '../consensus/block-ref.ts'
import type { CommitStore } from '../storage/commit-store.ts'
import {
  assertAbsent,
  assertCertified,
  assertRefused,
  assertWhole,
  CHAIN_LENGTH,
  certifierBlocks,
  certifiersOf,
  commitOf,
  openEmpty,
  openFilled,
  openFixture,
  subDagAt,
  subDags
} from './storage-conformance-fixture.ts'
import type { StoreUnderTest } from './store-under-test.ts'

/** What pruning deletes, and what it leaves. */
export function pruningTests(underTest: StoreUnderTest): void {
  describe('pruning', () => {
    it('deletes what lies below, whole, and leaves the rest, whole', async (t) => {
      const store = await openFilled(t, underTest, CHAIN_LENGTH)
      assert.equal(await store.prune(101), 101)
      assert.equal(store.watermarks.lowestAvailable, 101)
      for (const subDag of subDags(1, 100)) {
        await assertAbsent(store, subDag)
        assert.deepEqual(
          await present(store, subDag.commit.commit.blocks),
          [],
          `blocks of commit ${subDag.commit.ref.index}`
        )
      }
      for (const subDag of subDags(101, CHAIN_LENGTH)) await assertWhole(store, subDag)
      for await (const commit of store.readCommits(100, 200)) assert.fail(`commit ${commit.ref.index} from below`)
    })

    it('never passes the highest synced commit', async (t) => {
      const store = await openFilled(t, underTest, 10)
      assert.equal(await store.prune(Number.MAX_SAFE_INTEGER), 10)
      assert.deepEqual(store.watermarks.highestSynced, commitOf(10).ref)
      await assertWhole(store, subDagAt(10))
      await store.write({ commits: subDags(11, 12) })
      await assertWhole(store, subDagAt(12))
    })

    it('does nothing below what is pruned, nor in an empty store', async (t) => {
      const store = await openEmpty(t, underTest)
      assert.equal(await store.prune(5), 1)
      await store.write({ commits: subDags(1, 10) })
      await store.prune(6)
      for (const index of [6, 3, 0, -1]) assert.equal(await store.prune(index), 6, `prune below ${index}`)
      for (const subDag of subDags(6, 10)) await assertWhole(store, subDag)
    })

    it('refuses what is no index', async (t) => {
      const store = await openFilled(t, underTest, 3)
      for (const index of [Number.NaN, 1.5, Number.POSITIVE_INFINITY]) {
        await assertRefused(store.prune(index), 'STORAGE_INVALID_ARGUMENT')
      }
      assert.equal(store.watermarks.lowestAvailable, 1)
    })

    it('leaves the certifiers of what it leaves', async (t) => {
      const store = await openEmpty(t, underTest)
      for (let index = 1; index <= 20; index++) {
        await store.write({ commits: subDags(index, index), certifiers: [certifiersOf(index)] })
      }
      await store.prune(12)
      for (let index = 12; index <= 20; index++) await assertCertified(store, index)
      assert.equal(store.watermarks.highestCertifiable, 20)
      assert.equal(await store.highestCertifiableIn(1, 11), undefined)
    })

    it('deletes certifiers that no commit holds, but not for another commit that they certify', async (t) => {
      const store = await openFilled(t, underTest, 9)
      const { blocks } = certifiersOf(10)
      const only = certifierBlocks(9).filter(
        (block) => !blocks.some(({ ref }) => blockRefKey(ref) === blockRefKey(block.ref))
      )
      const certifiers = [
        { index: 8, blocks: [...blocks, ...only] },
        { index: 9, blocks }
      ]
      await store.write({ commits: [], certifiers })
      await store.prune(9)
      assert.deepEqual(
        await present(
          store,
          only.map((block) => block.ref)
        ),
        []
      )
      assert.deepEqual(
        await store.getCertifiers(9),
        blocks.map((block) => block.bytes)
      )
    })

    it('may leave no commit certifiable', async (t) => {
      const store = await openEmpty(t, underTest)
      await store.write({ commits: subDags(1, 10), certifiers: [certifiersOf(4)] })
      await store.prune(5)
      assert.equal(store.watermarks.highestCertifiable, 0)
      await store.write({ commits: [], certifiers: [certifiersOf(7)] })
      assert.equal(store.watermarks.highestCertifiable, 7)
    })

    it('makes late certifiers of pruned commits worth nothing', async (t) => {
      const store = await openFilled(t, underTest, 10)
      await store.prune(6)
      await store.write({ commits: subDags(11, 11), certifiers: [certifiersOf(5)] })
      assert.equal(store.watermarks.highestSynced.index, 11)
      assert.equal(store.watermarks.highestCertifiable, 0)
      await assertAbsent(store, subDagAt(5))
    })

    it('is remembered', async (t) => {
      const fixture = await openFixture(t, underTest)
      if (fixture.reopen === undefined) return t.skip('outlives nothing')
      await fixture.store.write({ commits: subDags(1, 10), certifiers: [certifiersOf(3), certifiersOf(8)] })
      await fixture.store.prune(6)
      const store = await fixture.reopen()
      assert.deepEqual(store.watermarks, { highestSynced: commitOf(10).ref, lowestAvailable: 6, highestCertifiable: 8 })
      await assertAbsent(store, subDagAt(5))
      await assertWhole(store, subDagAt(6))
    })
  })
}

async function present(store: CommitStore, refs: readonly BlockRef[]): Promise<Uint8Array[]> {
  return (await store.getBlocks(refs)).filter((bytes) => bytes !== undefined)
}
