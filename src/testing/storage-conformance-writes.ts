import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CommittedSubDag } from '../consensus/committed-sub-dag.ts'
import { genesisCommitRef } from '../consensus/genesis.ts'
import { MAX_BLOCK_BYTES, MAX_COMMIT_BLOCKS } from '../consensus/limits.ts'
import { decodeSignedBlock, type VerifiedBlock } from '../consensus/signed-block.ts'
import { forgeBlock, forgeCommit, forgeSubDag } from './forge.ts'
import {
  assertAbsent,
  assertRefused,
  assertWhole,
  commitOf,
  conformanceChain,
  openEmpty,
  openFilled,
  subDagAt,
  subDags,
  unsignedBlock
} from './storage-conformance-fixture.ts'
import type { StoreUnderTest } from './store-under-test.ts'

/** What a write stores, and what it refuses. */
export function writeTests(underTest: StoreUnderTest): void {
  describe('writing', () => {
    it('begins at the genesis', async (t) => {
      const store = await openEmpty(t, underTest)
      const highestSynced = genesisCommitRef(conformanceChain().genesis)
      assert.deepEqual(store.watermarks, { highestSynced, lowestAvailable: 1, highestCertifiable: 0 })
      await assertAbsent(store, subDagAt(1))
    })

    it('stores commits with their blocks and moves the watermark', async (t) => {
      const store = await openEmpty(t, underTest)
      await store.write({ commits: subDags(1, 3) })
      await store.write({ commits: subDags(4, 4) })
      assert.deepEqual(store.watermarks.highestSynced, commitOf(4).ref)
      for (const subDag of subDags(1, 4)) await assertWhole(store, subDag)
      await assertAbsent(store, subDagAt(5))
    })

    it('moves the watermark not before the write is done', async (t) => {
      const store = await openEmpty(t, underTest)
      const write = store.write({ commits: subDags(1, 3) })
      assert.equal(store.watermarks.highestSynced.index, 0)
      await write
      assert.equal(store.watermarks.highestSynced.index, 3)
    })

    it('takes writes that come at once in their order', async (t) => {
      const store = await openEmpty(t, underTest)
      await Promise.all([1, 11, 21].map((start) => store.write({ commits: subDags(start, start + 9) })))
      assert.deepEqual(store.watermarks.highestSynced, commitOf(30).ref)
    })

    it('goes on with the next of several writes when one is refused', async (t) => {
      const store = await openEmpty(t, underTest)
      const first = store.write({ commits: subDags(1, 2) })
      const refused = assertRefused(store.write({ commits: subDags(4, 4) }), 'STORAGE_NOT_CONSECUTIVE')
      const third = store.write({ commits: subDags(3, 3) })
      await Promise.all([first, refused, third])
      assert.deepEqual(store.watermarks.highestSynced, commitOf(3).ref)
    })

    const [first, second, fourth] = [1, 2, 4].map(subDagAt) as [CommittedSubDag, CommittedSubDag, CommittedSubDag]
    const astray = { ...second, commit: forgeCommit(second.commit, { previousDigest: fourth.commit.ref.digest }) }
    const unlinked: Record<string, CommittedSubDag[]> = {
      'a gap after the watermark': [second],
      'a gap within the write': [first, second, fourth],
      'a commit twice': [first, first],
      'commits out of order': [second, first],
      'a commit that links to another': [first, astray]
    }
    for (const [what, commits] of Object.entries(unlinked)) {
      it(`refuses ${what} and stores nothing of it`, async (t) => {
        const store = await openEmpty(t, underTest)
        await assertRefused(store.write({ commits }), 'STORAGE_NOT_CONSECUTIVE')
        await assertStillEmpty(store)
      })
    }

    it('refuses a commit that is stored already, and the watermark stays', async (t) => {
      const store = await openFilled(t, underTest, 3)
      await assertRefused(store.write({ commits: subDags(2, 4) }), 'STORAGE_NOT_CONSECUTIVE')
      assert.deepEqual(store.watermarks.highestSynced, commitOf(3).ref)
      await assertAbsent(store, subDagAt(4))
    })

    const blocks = second.blocks
    const another = forgeBlock(conformanceChain(), blocks[0] as VerifiedBlock, { timestampMs: 1 })
    const mismatched: Record<string, VerifiedBlock[]> = {
      'a block too few': blocks.slice(1),
      'a block too many': [...blocks, another],
      'its blocks in another order': blocks.toReversed(),
      'a block that it does not name': [another, ...blocks.slice(1)]
    }
    for (const [what, wrong] of Object.entries(mismatched)) {
      it(`refuses a commit with ${what}`, async (t) => {
        const store = await openEmpty(t, underTest)
        const write = store.write({ commits: [first, { ...second, blocks: wrong }] })
        await assertRefused(write, 'STORAGE_INVALID_ARGUMENT')
        await assertStillEmpty(store)
      })
    }

    it('takes an empty write for nothing', async (t) => {
      const store = await openFilled(t, underTest, 2)
      const before = store.watermarks
      await store.write({ commits: [] })
      assert.deepEqual(store.watermarks, before)
    })

    it('keeps both blocks of an author in a round', async (t) => {
      const store = await openFilled(t, underTest, 1)
      const twin = forgeBlock(conformanceChain(), blocks[0] as VerifiedBlock, { transactions: [Uint8Array.of(1)] })
      const subDag = forgeSubDag(first.commit.ref, [twin, ...blocks])
      await store.write({ commits: [subDag] })
      await assertWhole(store, subDag)
    })

    it('keeps what was written when the caller uses its arrays again', async (t) => {
      const store = await openEmpty(t, underTest)
      const own = decodeSignedBlock(Uint8Array.from((first.blocks[0] as VerifiedBlock).bytes)) as VerifiedBlock
      const commitBytes = Uint8Array.from(first.commit.bytes)
      await store.write({ commits: [{ commit: { ...first.commit, bytes: commitBytes }, blocks: [own] }] })
      own.bytes.fill(0)
      commitBytes.fill(0)
      await assertWhole(store, first)
    })

    it('takes a commit of the most blocks, and one with a block of the most bytes', async (t) => {
      const store = await openFilled(t, underTest, 1)
      const rounds = Array.from({ length: MAX_COMMIT_BLOCKS }, (_, i) => i + 1)
      const many = forgeSubDag(
        first.commit.ref,
        rounds.map((round) => unsignedBlock(round))
      )
      const spare = unsignedBlock(MAX_COMMIT_BLOCKS + 1, MAX_BLOCK_BYTES / 2).bytes.byteLength - MAX_BLOCK_BYTES / 2
      const large = unsignedBlock(MAX_COMMIT_BLOCKS + 1, MAX_BLOCK_BYTES - spare)
      assert.equal(large.bytes.byteLength, MAX_BLOCK_BYTES)
      const one = forgeSubDag(many.commit.ref, [large])
      await store.write({ commits: [many, one] })
      await assertWhole(store, many)
      await assertWhole(store, one)
    })
  })
}

async function assertStillEmpty(store: Awaited<ReturnType<typeof openEmpty>>): Promise<void> {
  assert.equal(store.watermarks.highestSynced.index, 0)
  for (const subDag of subDags(1, 4)) {
    await assertAbsent(store, subDag)
    const found = await store.getBlocks(subDag.commit.commit.blocks)
    assert.ok(found.every((bytes) => bytes === undefined))
  }
  await store.write({ commits: subDags(1, 1) })
  await assertWhole(store, subDagAt(1))
}
