import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CommittedSubDag } from '../consensus/committed-sub-dag.ts'
import { type Committee, encodeCommittee } from '../consensus/committee.ts'
import type { VerifiedBlock } from '../consensus/signed-block.ts'
import { forgeBlock, forgeSubDag } from './forge.ts'
import {
  assertRefused,
  commitOf,
  conformanceChain,
  openEmpty,
  openFilled,
  subDagAt,
  subDags
} from './storage-conformance-fixture.ts'
import type { StoreUnderTest } from './store-under-test.ts'

/** Committees, and where epochs end. */
export function epochTests(underTest: StoreUnderTest): void {
  describe('epochs', () => {
    it("know the genesis' committee from the beginning", async (t) => {
      const store = await openEmpty(t, underTest)
      const { committee } = conformanceChain().genesis
      assert.deepEqual((await store.getCommittee(0))?.bytes, committee.bytes)
      for (const epoch of [1, -1, 0.5]) assert.equal(await store.getCommittee(epoch), undefined, `epoch ${epoch}`)
    })

    it('keep committees', async (t) => {
      const store = await openFilled(t, underTest, 2)
      await store.write({ commits: subDags(3, 3), committees: [committeeOf(1)] })
      await store.write({ commits: [], committees: [committeeOf(2)] })
      for (const epoch of [1, 2]) {
        const committee = await store.getCommittee(epoch)
        assert.deepEqual(committee?.bytes, committeeOf(epoch).bytes)
        assert.deepEqual(committee?.digest, committeeOf(epoch).digest)
        assert.equal(committee?.epoch, epoch)
        assert.equal(committee?.validators.length, conformanceChain().genesis.committee.validators.length)
      }
    })

    it('take the same committee again and refuse another', async (t) => {
      const store = await openEmpty(t, underTest)
      const { committee } = conformanceChain().genesis
      await store.write({ commits: [], committees: [committeeOf(1)] })
      await store.write({ commits: [], committees: [committee, committeeOf(1)] })
      for (const epoch of [0, 1]) {
        const write = store.write({ commits: subDags(1, 1), committees: [committeeOf(epoch, 3)] })
        await assertRefused(write, 'STORAGE_INVALID_ARGUMENT')
      }
      assert.equal(store.watermarks.highestSynced.index, 0)
      assert.deepEqual((await store.getCommittee(1))?.bytes, committeeOf(1).bytes)
    })

    it('end where the next begins', async (t) => {
      const store = await openFilled(t, underTest, 3)
      assert.equal(await store.getLastCommitOfEpoch(0), undefined)
      await store.write({ commits: [nextEpoch(subDagAt(3))] })
      assert.equal(await store.getLastCommitOfEpoch(0), 3)
      assert.equal(await store.getLastCommitOfEpoch(1), undefined)
    })

    it('end within a write', async (t) => {
      const store = await openEmpty(t, underTest)
      const first = nextEpoch(subDagAt(3))
      await store.write({ commits: [...subDags(1, 3), first, nextEpoch(first)] })
      assert.equal(await store.getLastCommitOfEpoch(0), 3)
      assert.equal(await store.getLastCommitOfEpoch(1), 4)
    })

    it('end with the commit that comes with the next committee', async (t) => {
      const store = await openEmpty(t, underTest)
      await store.write({ commits: subDags(1, 3), committees: [committeeOf(1)] })
      assert.equal(await store.getLastCommitOfEpoch(0), 3)
    })

    it('do not end with a committee alone', async (t) => {
      const store = await openFilled(t, underTest, 2)
      await store.write({ commits: [], committees: [committeeOf(1)] })
      await store.write({ commits: subDags(3, 3), committees: [committeeOf(2)] })
      assert.equal(await store.getLastCommitOfEpoch(0), undefined)
    })

    it('stay known when their commits are pruned', async (t) => {
      const store = await openFilled(t, underTest, 3)
      const first = nextEpoch(subDagAt(3))
      await store.write({ commits: [first, nextEpoch(first)], committees: [committeeOf(1)] })
      await store.prune(5)
      assert.equal(await store.getCommit(commitOf(3).ref.index), undefined)
      assert.equal(await store.getLastCommitOfEpoch(0), 3)
      assert.deepEqual((await store.getCommittee(1))?.bytes, committeeOf(1).bytes)
    })
  })
}

/** A committee of some of the genesis' validators. */
export function committeeOf(epoch: number, count = 4): Committee {
  const validators = conformanceChain().genesis.committee.validators.slice(0, count)
  const votingPower = Math.floor(10_000 / count)
  const rest = 10_000 - votingPower * (count - 1)
  return encodeCommittee({
    epoch,
    validators: validators.map((validator, i) => ({ ...validator, votingPower: i === 0 ? rest : votingPower }))
  })
}

/** A commit of the epoch after another's, following it. */
export function nextEpoch({ commit, blocks }: CommittedSubDag): CommittedSubDag {
  const epoch = commit.commit.epoch + 1
  const block = forgeBlock(conformanceChain(), blocks[0] as VerifiedBlock, { epoch })
  return forgeSubDag(commit.ref, [block], { epoch })
}
