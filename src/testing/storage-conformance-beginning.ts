import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TrustedCheckpoint } from '../consensus/trusted-checkpoint.ts'
import { committeeOf, nextEpoch } from './storage-conformance-epochs.ts'
import {
  assertAbsent,
  assertCertified,
  assertRefused,
  assertWhole,
  CHAIN_LENGTH,
  certifiersOf,
  commitOf,
  conformanceChain,
  openEmpty,
  openFilled,
  openFixture,
  subDagAt,
  subDags
} from './storage-conformance-fixture.ts'
import type { StoreUnderTest } from './store-under-test.ts'

const BEGINNING = 60

/** Stores that begin after a commit that they do not hold. */
export function beginningTests(underTest: StoreUnderTest): void {
  describe('beginning at a checkpoint', () => {
    it('makes the commit the highest synced one, and the next the lowest available', async (t) => {
      const store = await openEmpty(t, underTest)
      assert.equal(await store.getBeginning(), undefined)
      await store.beginAt(checkpoint())
      assert.deepEqual(store.watermarks, {
        highestSynced: commitOf(BEGINNING).ref,
        lowestAvailable: BEGINNING + 1,
        highestCertifiable: 0
      })
      assert.deepEqual(await store.getBeginning(), checkpoint())
      for (const index of [1, BEGINNING, BEGINNING + 1]) await assertAbsent(store, subDagAt(index))
      for await (const commit of store.readCommits(1, CHAIN_LENGTH)) assert.fail(`commit ${commit.ref.index}`)
      assert.equal(await store.highestCertifiableIn(1, CHAIN_LENGTH), undefined)
      assert.equal(await store.prune(CHAIN_LENGTH), BEGINNING + 1)
    })

    it('takes what links to it next, and nothing else', async (t) => {
      const store = await openEmpty(t, underTest)
      await store.beginAt(checkpoint())
      for (const index of [1, BEGINNING, BEGINNING + 2]) {
        await assertRefused(store.write({ commits: subDags(index, index) }), 'STORAGE_NOT_CONSECUTIVE')
      }
      const certifiers = [certifiersOf(BEGINNING - 1), certifiersOf(BEGINNING), certifiersOf(BEGINNING + 5)]
      await store.write({ commits: subDags(BEGINNING + 1, BEGINNING + 5), certifiers })
      for (const subDag of subDags(BEGINNING + 1, BEGINNING + 5)) await assertWhole(store, subDag)
      await assertCertified(store, BEGINNING + 5)
      await assertAbsent(store, subDagAt(BEGINNING))
      assert.equal(await store.prune(BEGINNING + 3), BEGINNING + 3)
    })

    it('goes on in the epoch of its committee', async (t) => {
      const store = await openEmpty(t, underTest)
      await store.beginAt({ commit: commitOf(3).ref, committee: committeeOf(1) })
      assert.deepEqual((await store.getCommittee(1))?.bytes, committeeOf(1).bytes)
      const first = nextEpoch(subDagAt(3))
      await store.write({ commits: [first] })
      assert.equal(await store.getLastCommitOfEpoch(0), undefined)
      await store.write({ commits: [nextEpoch(first)] })
      assert.equal(await store.getLastCommitOfEpoch(1), 4)
    })

    it('may be done again until something is written, and not elsewhere', async (t) => {
      const store = await openEmpty(t, underTest)
      await store.beginAt(checkpoint())
      await store.beginAt(checkpoint())
      const { committee } = checkpoint()
      for (const other of [
        { commit: commitOf(BEGINNING + 1).ref, committee },
        { commit: { index: BEGINNING, digest: commitOf(1).ref.digest }, committee },
        { commit: commitOf(BEGINNING).ref, committee: committeeOf(1) }
      ]) {
        await assertRefused(store.beginAt(other), 'STORAGE_INVALID_ARGUMENT')
      }
      await store.write({ commits: subDags(BEGINNING + 1, BEGINNING + 1) })
      await assertRefused(store.beginAt(checkpoint()), 'STORAGE_INVALID_ARGUMENT')
      assert.deepEqual(await store.getBeginning(), checkpoint())
    })

    it('is for empty stores, commits above the genesis, and the committee that is known', async (t) => {
      const filled = await openFilled(t, underTest, 2)
      await assertRefused(filled.beginAt(checkpoint()), 'STORAGE_INVALID_ARGUMENT')
      const store = await openEmpty(t, underTest)
      const { commit, committee } = checkpoint()
      for (const index of [-1, 0, 0.5, Number.MAX_SAFE_INTEGER]) {
        await assertRefused(store.beginAt({ commit: { ...commit, index }, committee }), 'STORAGE_INVALID_ARGUMENT')
      }
      await assertRefused(store.beginAt({ commit, committee: committeeOf(0, 3) }), 'STORAGE_INVALID_ARGUMENT')
      assert.equal(store.watermarks.highestSynced.index, 0)
      assert.equal(store.watermarks.lowestAvailable, 1)
    })

    it('is remembered', async (t) => {
      const fixture = await openFixture(t, underTest)
      if (fixture.reopen === undefined) return t.skip('outlives nothing')
      const begun = { commit: commitOf(3).ref, committee: committeeOf(1) }
      await fixture.store.beginAt(begun)
      const before = fixture.store.watermarks
      const store = await fixture.reopen()
      assert.deepEqual(store.watermarks, before)
      assert.deepEqual(await store.getBeginning(), begun)
      const first = nextEpoch(subDagAt(3))
      await store.write({ commits: [first, nextEpoch(first)] })
      assert.equal(await store.getLastCommitOfEpoch(0), undefined)
      assert.equal(await store.getLastCommitOfEpoch(1), 4)
      const again = await fixture.reopen()
      assert.equal(again.watermarks.highestSynced.index, 5)
      assert.deepEqual(await again.getBeginning(), begun)
    })
  })
}

function checkpoint(): TrustedCheckpoint {
  return { commit: commitOf(BEGINNING).ref, committee: conformanceChain().genesis.committee }
}
