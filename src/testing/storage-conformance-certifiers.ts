import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  assertBytes,
  assertCertified,
  assertRefused,
  bytesOf,
  certifierBlocks,
  certifierRefsOf,
  certifiersOf,
  openEmpty,
  openFilled,
  subDagAt,
  subDags
} from './storage-conformance-fixture.ts'
import type { StoreUnderTest } from './store-under-test.ts'

/** Blocks that certify commits, whoever else holds them. */
export function certifierTests(underTest: StoreUnderTest): void {
  describe('certifiers', () => {
    it('are found by commit and by reference', async (t) => {
      const store = await openEmpty(t, underTest)
      await store.write({ commits: subDags(1, 10), certifiers: [certifiersOf(10)] })
      await assertCertified(store, 10)
      assert.deepEqual(await store.getCertifiers(9), [])
      assert.equal(store.watermarks.highestCertifiable, 10)
    })

    it('may come after the commit', async (t) => {
      const store = await openFilled(t, underTest, 10)
      assert.equal(store.watermarks.highestCertifiable, 0)
      await store.write({ commits: [], certifiers: [certifiersOf(9)] })
      await store.write({ commits: subDags(11, 12), certifiers: [certifiersOf(3)] })
      for (const index of [3, 9]) await assertCertified(store, index)
      assert.equal(store.watermarks.highestCertifiable, 9)
    })

    it('stay whole while later commits take their blocks, one by one', async (t) => {
      const store = await openEmpty(t, underTest)
      for (let index = 1; index <= 12; index++) {
        await store.write({ commits: subDags(index, index), certifiers: [certifiersOf(index)] })
        for (let earlier = 1; earlier <= index; earlier++) await assertCertified(store, earlier)
        assert.equal(store.watermarks.highestCertifiable, index)
      }
    })

    it('stay whole when a later write takes their blocks at once', async (t) => {
      const store = await openEmpty(t, underTest)
      await store.write({ commits: subDags(1, 5), certifiers: [certifiersOf(5)] })
      await store.write({ commits: subDags(6, 40), certifiers: [certifiersOf(40)] })
      for (const index of [5, 40]) await assertCertified(store, index)
    })

    it('may be blocks of the same write, with bytes or without', async (t) => {
      const store = await openEmpty(t, underTest)
      await store.write({ commits: subDags(1, 20), certifiers: [certifiersOf(5), certifierRefsOf(6)] })
      for (const index of [5, 6]) await assertCertified(store, index)
    })

    it('may be blocks of earlier writes, with bytes or without', async (t) => {
      const store = await openFilled(t, underTest, 20)
      await store.write({ commits: [], certifiers: [certifiersOf(5), certifierRefsOf(6)] })
      for (const index of [5, 6]) await assertCertified(store, index)
    })

    it('may be any blocks that commits hold: whether they vote is not for the store to say', async (t) => {
      const store = await openFilled(t, underTest, 10)
      const { blocks } = subDagAt(3)
      const refs = blocks.map(({ ref }) => ({ ref, bytes: undefined }))
      await store.write({ commits: [], certifiers: [{ index: 10, blocks: refs }] })
      assertBytes(await store.getCertifiers(10), bytesOf(blocks), 'certifiers of commit 10')
    })

    it('may certify two commits', async (t) => {
      const store = await openEmpty(t, underTest)
      const { blocks } = certifiersOf(10)
      await store.write({ commits: subDags(1, 9), certifiers: [{ index: 9, blocks }] })
      await store.write({ commits: subDags(10, 10), certifiers: [{ index: 10, blocks }] })
      await store.write({ commits: subDags(11, 30) })
      const bytes = blocks.map((block) => block.bytes)
      assert.deepEqual(await store.getCertifiers(9), bytes)
      assert.deepEqual(await store.getCertifiers(10), bytes)
    })

    it('are refused without bytes that no commit holds, and nothing of the write is stored', async (t) => {
      const store = await openFilled(t, underTest, 9)
      const write = store.write({ commits: subDags(10, 10), certifiers: [certifierRefsOf(10)] })
      await assertRefused(write, 'STORAGE_INVALID_ARGUMENT')
      assert.equal(store.watermarks.highestSynced.index, 9)
      assert.equal(await store.getCommit(10), undefined)
    })

    it('are refused for a commit that is not there, and as an empty list', async (t) => {
      const store = await openFilled(t, underTest, 9)
      const { blocks } = certifiersOf(10)
      for (const certifier of [
        { index: 10, blocks },
        { index: 0, blocks },
        { index: 9, blocks: [] }
      ]) {
        await assertRefused(store.write({ commits: [], certifiers: [certifier] }), 'STORAGE_INVALID_ARGUMENT')
      }
      assert.equal(store.watermarks.highestCertifiable, 0)
    })

    it('stay whole when others come for the same commit', async (t) => {
      const store = await openEmpty(t, underTest)
      await store.write({ commits: subDags(1, 10), certifiers: [certifiersOf(10)] })
      await store.write({ commits: [], certifiers: [{ ...certifiersOf(11), index: 10 }] })
      const stored = await store.getCertifiers(10)
      const either = [certifierBlocks(10), certifierBlocks(11)].map((blocks) => blocks.map((block) => block.bytes))
      assert.ok(
        either.some((blocks) => blocks.every((block) => stored.some((one) => Buffer.compare(one, block) === 0)))
      )
    })

    it('tell the highest certifiable commit of a range', async (t) => {
      const store = await openEmpty(t, underTest)
      await store.write({ commits: subDags(1, 20), certifiers: [4, 9, 15].map(certifiersOf) })
      const cases = [
        [1, 20, 15],
        [1, 14, 9],
        [9, 9, 9],
        [10, 14, undefined],
        [16, 100, undefined],
        [0, 4, 4],
        [12, 3, undefined]
      ] as const
      for (const [start, end, expected] of cases) {
        assert.equal(await store.highestCertifiableIn(start, end), expected, `${start} to ${end}`)
      }
    })
  })
}
