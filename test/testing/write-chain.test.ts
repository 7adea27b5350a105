import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { decodeSignedBlock } from '../../src/consensus/signed-block.ts'
import type { CommitStore } from '../../src/storage/commit-store.ts'
import { openMemoryStore } from '../../src/storage/memory-store.ts'
import { buildChain, type Chain, commitAt, lastCommitOfEpoch } from '../../src/testing/chain-builder.ts'
import { changingValidators } from '../../src/testing/changing-validators.ts'
import { storeWriteOf, writeChain } from '../../src/testing/write-chain.ts'

const validators = changingValidators({ sizes: [4] })

async function openStore(t: TestContext, { genesis }: Chain): Promise<CommitStore> {
  const store = await openMemoryStore({ genesis })
  t.after(() => store.close())
  return store
}

for (const proofs of [true, false]) {
  test(`a chain with epochs is stored with its committees, ${proofs ? 'with' : 'without'} proofs`, async (t) => {
    const chain = buildChain({ commits: 230, transactions: 0, epochs: { commits: 45, validators, proofs } })
    const store = await openStore(t, chain)
    await writeChain(store, chain.commits)
    assert.equal(store.watermarks.highestCertifiable, 230)
    for (const [epoch, committee] of chain.committees.entries()) {
      assert.deepEqual((await store.getCommittee(epoch))?.bytes, committee.bytes)
      const last = epoch === 5 ? undefined : lastCommitOfEpoch(chain, epoch)
      assert.equal(await store.getLastCommitOfEpoch(epoch), last, `epoch ${epoch}`)
    }
    assert.equal(await store.getCommittee(6), undefined)
    const last = commitAt(chain, 45)
    assert.deepEqual(await store.getCertifiers(45), last.certifiers)
    const refs = last.certifiers.map((bytes) => decodeSignedBlock(bytes).ref)
    assert.deepEqual(await store.getBlocks(refs), last.certifiers)
  })
}

test('an epoch ends in the store with its last commit, not with the first of the next', async (t) => {
  const chain = buildChain({ commits: 6, epochs: { commits: 3, validators } })
  const store = await openStore(t, chain)
  await writeChain(store, chain.commits.slice(0, 2))
  assert.equal(await store.getCommittee(1), undefined)
  const write = storeWriteOf(chain.commits.slice(2, 3))
  assert.deepEqual(write.committees, [chain.committees[1]])
  await store.write(write)
  assert.deepEqual((await store.getCommittee(1))?.digest, chain.committees[1]?.digest)
  assert.equal(await store.getLastCommitOfEpoch(0), 3)
})
