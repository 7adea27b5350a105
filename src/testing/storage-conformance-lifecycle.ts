import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  assertCertified,
  assertRefused,
  assertWhole,
  certifiersOf,
  conformanceChain,
  openFilled,
  openFixture,
  subDagAt,
  subDags
} from './storage-conformance-fixture.ts'
import type { StoreUnderTest } from './store-under-test.ts'

/** Closing, and opening again. */
export function lifecycleTests(underTest: StoreUnderTest): void {
  describe('closing', () => {
    it('may be done twice', async (t) => {
      const store = await openFilled(t, underTest, 1)
      await Promise.all([store.close(), store.close()])
      await store.close()
    })

    it('ends all use', async (t) => {
      const store = await openFilled(t, underTest, 3)
      const { ref, commit } = subDagAt(1).commit
      const iterator = store.readCommits(1, 3)[Symbol.asyncIterator]()
      await store.close()
      const uses: Record<string, () => Promise<unknown>> = {
        write: () => store.write({ commits: subDags(4, 4) }),
        beginAt: () => store.beginAt({ commit: ref, committee: conformanceChain().genesis.committee }),
        getBeginning: () => store.getBeginning(),
        getCommit: () => store.getCommit(1),
        getCommitIndex: () => store.getCommitIndex(ref.digest),
        readCommits: () => iterator.next(),
        getBlocks: () => store.getBlocks(commit.blocks),
        getSubDag: () => store.getSubDag(1),
        getCertifiers: () => store.getCertifiers(1),
        highestCertifiableIn: () => store.highestCertifiableIn(1, 3),
        getCommittee: () => store.getCommittee(0),
        getLastCommitOfEpoch: () => store.getLastCommitOfEpoch(0),
        prune: () => store.prune(2),
        getCursor: () => store.getCursor('executor'),
        setCursor: () => store.setCursor('executor', 1),
        deleteCursor: () => store.deleteCursor('executor'),
        listCursors: () => store.listCursors(),
        getRecord: () => store.getRecord('bans'),
        setRecord: () => store.setRecord('bans', new Uint8Array(1))
      }
      for (const use of Object.values(uses)) await assertRefused(use(), 'STORAGE_CLOSED')
    })

    it('waits for the writes under way', async (t) => {
      const fixture = await openFixture(t, underTest)
      const writes = [1, 11].map((start) => fixture.store.write({ commits: subDags(start, start + 9) }))
      await fixture.store.close()
      await Promise.all(writes)
      assert.equal(fixture.store.watermarks.highestSynced.index, 20)
      if (fixture.reopen === undefined) return
      const store = await fixture.reopen()
      for (const subDag of subDags(1, 20)) await assertWhole(store, subDag)
    })
  })

  describe('opening again', () => {
    it('finds everything as it was, and goes on', async (t) => {
      const fixture = await openFixture(t, underTest)
      if (fixture.reopen === undefined) return t.skip('outlives nothing')
      await fixture.store.write({ commits: subDags(1, 20), certifiers: [certifiersOf(7), certifiersOf(20)] })
      await fixture.store.setCursor('executor', 12)
      await fixture.store.setRecord('bans', Uint8Array.of(1, 2))
      const before = fixture.store.watermarks

      const store = await fixture.reopen()
      assert.deepEqual(store.watermarks, before)
      for (const subDag of subDags(1, 20)) await assertWhole(store, subDag)
      for (const index of [7, 20]) await assertCertified(store, index)
      assert.deepEqual(await store.listCursors(), new Map([['executor', 12]]))
      assert.deepEqual(await store.getRecord('bans'), Uint8Array.of(1, 2))

      await store.write({ commits: subDags(21, 40), certifiers: [certifiersOf(40)] })
      for (const subDag of subDags(21, 40)) await assertWhole(store, subDag)
      for (const index of [7, 20, 40]) await assertCertified(store, index)
    })
  })
}
