import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { VerifiedBlock } from '../consensus/signed-block.ts'
import type { CommitStore } from '../storage/commit-store.ts'
import { CHAIN_LENGTH, commitOf, openFilled, subDagAt } from './storage-conformance-fixture.ts'
import type { StoreUnderTest } from './store-under-test.ts'

/** What reads find. */
export function readTests(underTest: StoreUnderTest): void {
  describe('reading', () => {
    it('iterates over a range in order', async (t) => {
      const store = await openFilled(t, underTest, CHAIN_LENGTH)
      assert.deepEqual(await indexesIn(store, 1, CHAIN_LENGTH), range(1, CHAIN_LENGTH))
      assert.deepEqual(await indexesIn(store, 7, 9), [7, 8, 9])
      assert.deepEqual(await indexesIn(store, 7, 7), [7])
    })

    it('iterates over whole commits', async (t) => {
      const store = await openFilled(t, underTest, 3)
      for await (const commit of store.readCommits(2, 3)) {
        assert.deepEqual(commit.bytes, commitOf(commit.ref.index).bytes)
        assert.deepEqual(commit.ref, commitOf(commit.ref.index).ref)
        assert.deepEqual(commit.commit, commitOf(commit.ref.index).commit)
      }
    })

    it('ends a range at the first commit that is not there', async (t) => {
      const store = await openFilled(t, underTest, 5)
      assert.deepEqual(await indexesIn(store, 4, Number.MAX_SAFE_INTEGER), [4, 5])
      for (const [start, end] of [
        [6, 9],
        [0, 9],
        [4, 3]
      ] as const) {
        assert.deepEqual(await indexesIn(store, start, end), [], `${start} to ${end}`)
      }
    })

    it('stops iterating when the reader does, and closes all the same', async (t) => {
      const store = await openFilled(t, underTest, CHAIN_LENGTH)
      for await (const commit of store.readCommits(1, CHAIN_LENGTH)) if (commit.ref.index === 2) break
      const abandoned = store.readCommits(1, CHAIN_LENGTH)[Symbol.asyncIterator]()
      await abandoned.next()
      await store.close()
    })

    it('stops iterating with the reason of an abort', async (t) => {
      const store = await openFilled(t, underTest, CHAIN_LENGTH)
      const controller = new AbortController()
      const reason = new Error('enough')
      const seen: number[] = []
      const reading = (async () => {
        for await (const commit of store.readCommits(1, CHAIN_LENGTH, { signal: controller.signal })) {
          seen.push(commit.ref.index)
          if (commit.ref.index === 2) controller.abort(reason)
        }
      })()
      await assert.rejects(reading, (thrown) => thrown === reason)
      assert.deepEqual(seen, [1, 2])
    })

    it('finds blocks in the order asked, and says which are not there', async (t) => {
      const store = await openFilled(t, underTest, 3)
      const [a, b, later] = [
        subDagAt(3).blocks[0],
        subDagAt(1).blocks[0],
        subDagAt(4).blocks[0]
      ] as VerifiedBlock[] as [VerifiedBlock, VerifiedBlock, VerifiedBlock]
      const found = await store.getBlocks([a.ref, later.ref, b.ref, a.ref])
      assert.deepEqual(found, [a.bytes, undefined, b.bytes, a.bytes])
      assert.deepEqual(await store.getBlocks([]), [])
    })

    it('finds a block under its very reference only', async (t) => {
      const store = await openFilled(t, underTest, 1)
      const { ref } = subDagAt(1).blocks[0] as VerifiedBlock
      const near = [
        { ...ref, epoch: ref.epoch + 1 },
        { ...ref, round: ref.round + 1 },
        { ...ref, author: ref.author + 1 },
        { ...ref, digest: ref.digest.map((byte) => byte ^ 1) }
      ]
      assert.deepEqual(await store.getBlocks(near), [undefined, undefined, undefined, undefined])
    })

    it('finds nothing at an index that is none', async (t) => {
      const store = await openFilled(t, underTest, 3)
      for (const index of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
        assert.equal(await store.getCommit(index), undefined, `commit ${index}`)
        assert.equal(await store.getSubDag(index), undefined, `sub-DAG ${index}`)
        assert.deepEqual(await store.getCertifiers(index), [], `certifiers of ${index}`)
      }
      assert.equal(await store.getCommitIndex(new Uint8Array(32)), undefined)
    })

    it('gives every reader bytes of its own', async (t) => {
      const store = await openFilled(t, underTest, 1)
      const { commit, blocks } = subDagAt(1)
      const refs = commit.commit.blocks
      for (let round = 1; round <= 2; round++) {
        const subDag = await store.getSubDag(1)
        const read = [(await store.getCommit(1))?.bytes, subDag?.commit.bytes, subDag?.blocks[0]?.bytes]
        read.push(...(await store.getBlocks(refs)))
        const expected = [commit.bytes, commit.bytes, blocks[0]?.bytes, ...blocks.map((block) => block.bytes)]
        assert.deepEqual(read, expected, `round ${round}`)
        for (const bytes of read) bytes?.fill(0)
      }
    })
  })
}

async function indexesIn(store: CommitStore, start: number, end: number): Promise<number[]> {
  const indexes: number[] = []
  for await (const commit of store.readCommits(start, end)) indexes.push(commit.ref.index)
  return indexes
}

function range(start: number, end: number): number[] {
  return Array.from({ length: end - start + 1 }, (_, i) => start + i)
}
