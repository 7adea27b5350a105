import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { StoreDamagedError, type VerifiedChain, verifyStore } from '../../src/state-sync/verify-store.ts'
import type { CommitStore } from '../../src/storage/commit-store.ts'
import { openMemoryStore } from '../../src/storage/memory-store.ts'
import { buildChain, type Chain, commitAt } from '../../src/testing/chain-builder.ts'
import { changingValidators } from '../../src/testing/changing-validators.ts'
import { storeWriteOf, writeChain } from '../../src/testing/write-chain.ts'
import { createBlockVerifier } from '../../src/verify/block-verifier.ts'
import { createMainThreadVerifier } from '../../src/verify/main-thread-verifier.ts'

const validators = changingValidators({ sizes: [4] })
const chain = buildChain({ commits: 130, transactions: 1, epochs: { commits: 45, validators } })

async function storeOf(t: TestContext, { genesis, commits } = chain): Promise<CommitStore> {
  const store = await openMemoryStore({ genesis })
  t.after(() => store.close())
  await writeChain(store, commits)
  return store
}

function verify(
  store: CommitStore,
  options: { from?: number; to?: number; handOver?: 'inserted' } = {},
  { genesis }: Pick<Chain, 'genesis'> = chain
): Promise<VerifiedChain> {
  const signatures = createMainThreadVerifier()
  const blockVerifier = createBlockVerifier({
    chainId: genesis.chainId,
    signatures,
    bls: signatures,
    getCommittee: (epoch) => store.getCommittee(epoch)
  })
  return verifyStore({ genesis, store, blockVerifier, signal: new AbortController().signal, ...options })
}

/** A store of which one method answers with something else. */
function lying<K extends keyof CommitStore>(store: CommitStore, method: K, lie: CommitStore[K]): CommitStore {
  return new Proxy(store, {
    get(target, key) {
      if (key === method) return lie
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? value.bind(target) : value
    }
  })
}

function damaged(message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof StoreDamagedError, String(error))
    assert.match(error.message, message)
    return true
  }
}

describe('verifying a store', () => {
  it('finds a whole chain whole, over epochs, and counts what it has seen', async (t) => {
    const verified = await verify(await storeOf(t))
    const blocks = chain.commits.reduce((sum, { subDag }) => sum + subDag.blocks.length, 0)
    assert.equal(verified.commit, 130)
    assert.equal(verified.blocks, blocks)
    assert.equal(verified.handOvers, 2)
    assert.equal(verified.uncertified, 0)
  })

  it('begins where it is told, or where the store was pruned, and ends where it is told', async (t) => {
    const store = await storeOf(t)
    assert.deepEqual((await verify(store, { from: 50, to: 77 })).commit, 77)
    await store.prune(100)
    assert.deepEqual(await verify(store).then(({ from, to }) => [from, to]), [100, 130])
    await assert.rejects(verify(store, { from: 99 }), RangeError)
  })

  it('verifies links and blocks of commits that are not certified yet', async (t) => {
    const store = await storeOf(t, { ...chain, commits: chain.commits.slice(0, 60) })
    const { commits, committees = [] } = storeWriteOf(chain.commits.slice(60, 64))
    await store.write({ commits, committees })
    assert.equal((await verify(store)).uncertified, 4)
  })

  it('goes over the ends of epochs that nothing proves by the committees of the store', async (t) => {
    const unproven = buildChain({ commits: 50, epochs: { commits: 20, validators, proofs: false } })
    const verified = await verify(await storeOf(t, unproven), { handOver: 'inserted' }, unproven)
    assert.deepEqual([verified.commit, verified.handOvers], [50, 2])
  })

  it('names a block that its author did not sign', async (t) => {
    const store = await storeOf(t)
    const { ref, bytes } = commitAt(chain, 20).subDag.blocks[0] ?? assert.fail()
    const forged = bytes.slice()
    forged[3] = (forged[3] ?? 0) ^ 1
    const lie: CommitStore['getBlocks'] = async (refs) => {
      const blocks = await store.getBlocks(refs)
      return blocks.map((block, at) =>
        refs[at]?.digest === ref.digest || Buffer.from(refs[at]?.digest ?? []).equals(ref.digest) ? forged : block
      )
    }
    await assert.rejects(
      verify(lying(store, 'getBlocks', lie)),
      damaged(/block B\d@\d+\([0-9a-f]{8}\) of commit 20 is another one/)
    )
  })

  it('names certifiers that certify nothing, commits that are not found by their digest, and a committee that nobody proved', async (t) => {
    const store = await storeOf(t)
    const few = lying(store, 'getCertifiers', async (index) => {
      const certifiers = await store.getCertifiers(index)
      return index === 33 ? certifiers.slice(0, 2) : certifiers
    })
    await assert.rejects(verify(few), damaged(/commit 33.*\(CERTIFIERS_WITHOUT_QUORUM\)/))
    const lost = lying(store, 'getCommitIndex', async (digest) => {
      const index = await store.getCommitIndex(digest)
      return index === 70 ? 71 : index
    })
    await assert.rejects(verify(lost), damaged(/commit 70 is not found by its digest/))
    const swapped = lying(store, 'getLastCommitOfEpoch', async (epoch) => {
      const last = await store.getLastCommitOfEpoch(epoch)
      return epoch === 1 && last !== undefined ? last + 1 : last
    })
    await assert.rejects(verify(swapped), damaged(/epoch/))
  })
})
