import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { errorCode } from '../../src/runtime/soma-error.ts'
import { CommitWriter } from '../../src/state-sync/commit-writer.ts'
import type { CommitStore, StoreWrite } from '../../src/storage/commit-store.ts'
import { openMemoryStore } from '../../src/storage/index.ts'
import { openStore } from '../../src/storage/open-store.ts'
import { StorageError } from '../../src/storage/storage-error.ts'
import { buildChain, commitAt, forkChain } from '../../src/testing/index.ts'
import { FailingLevel } from '../storage/failing-level.ts'
import { epochsOf, handOversOf } from './open-epochs.ts'

const chain = buildChain({ commits: 40 })
const uncertified = (index: number, from = chain) => ({ subDag: commitAt(from, index).subDag, certifiers: [] })
const run = (start: number, end: number) => Array.from({ length: end - start + 1 }, (_, i) => uncertified(start + i))

async function open(wrap: (store: CommitStore) => CommitStore = (store) => store) {
  const store = await openMemoryStore({ genesis: chain.genesis })
  const stored: number[] = []
  const epochs = epochsOf(store)
  const writer = new CommitWriter({
    store: wrap(store),
    epochs,
    handOvers: handOversOf(store, epochs),
    onStored: (subDags) => stored.push(...subDags.map(({ commit }) => commit.ref.index))
  })
  await writer.open()
  return { store, writer, stored }
}

describe('CommitWriter', () => {
  it('stores a commit once, whichever way it comes, and never regresses', async () => {
    const { writer, stored, store } = await open()
    const results = await Promise.all([writer.append(run(1, 5)), writer.append(run(3, 8)), writer.append(run(1, 2))])
    assert.deepEqual(results, [5, 3, 0])
    assert.deepEqual(stored, [1, 2, 3, 4, 5, 6, 7, 8])
    assert.equal(store.watermarks.highestSynced.index, 8)
  })

  it('refuses a commit that conflicts with the stored one, or that does not link to it', async () => {
    const { writer, store } = await open()
    const fork = forkChain(chain, { after: 4, commits: 20 })
    await writer.append(run(1, 8))
    for (const index of [6, 9]) {
      await assert.rejects(
        writer.append([uncertified(index, fork)]),
        (thrown: unknown) => errorCode(thrown) === 'SYNC_FORK'
      )
    }
    assert.deepEqual(store.watermarks.highestSynced, commitAt(chain, 8).subDag.commit.ref)
    assert.equal(await writer.append(run(9, 9)), 1)
  })

  it('makes commits certifiable by the votes in later ones, over a restart too', async () => {
    const { writer, store } = await open()
    await writer.append(run(1, 20))
    const before = store.watermarks.highestCertifiable
    assert.ok(before >= 15 && before < 20, `highest certifiable ${before}`)
    const epochs = epochsOf(store)
    const again = new CommitWriter({ store, epochs, handOvers: handOversOf(store, epochs), onStored: () => {} })
    await again.open()
    await again.append(run(21, 30))
    for (let index = 1; index <= 25; index++) assert.equal(await store.highestCertifiableIn(index, index), index)
    assert.ok((await store.getCertifiers(20)).length >= 3)
  })

  it('tells of a commit whose write failed and is stored after all', async () => {
    let isDoubtful = true
    const { writer, stored } = await open(
      (inner) =>
        new Proxy(inner, {
          get(target, key) {
            const value: unknown = Reflect.get(target, key, target)
            if (typeof value !== 'function') return value
            if (key !== 'write' || !isDoubtful) return value.bind(target)
            return async (write: StoreWrite) => {
              await target.write(write)
              throw new StorageError('STORAGE_WRITE_FAILED', 'the disk did not say')
            }
          }
        })
    )
    await assert.rejects(writer.append(run(1, 3)), StorageError)
    isDoubtful = false
    assert.equal(await writer.append(run(1, 3)), 0)
    assert.deepEqual(stored, [1, 2, 3])
  })

  it('goes on where the chain does after a write that failed and is stored after all, in the next epoch too', async () => {
    const epochCommits = 8
    const epochChain = buildChain({ commits: 12, epochs: { commits: epochCommits } })
    const certified = (start: number, end: number) =>
      epochChain.commits.slice(start - 1, end).map(({ subDag }) => ({ subDag, certifiers: [] }))
    for (const notice of ['part', 'settled', 'next'] as const) {
      const level = new FailingLevel()
      const store = await openStore({ level, where: 'the failing store' }, epochChain)
      const stored: number[] = []
      const epochs = epochsOf(store)
      const writer = new CommitWriter({
        store,
        epochs,
        handOvers: handOversOf(store, epochs),
        onStored: (subDags) => stored.push(...subDags.map(({ commit }) => commit.ref.index))
      })
      await writer.open()
      level.onWrite('unflushed')
      await assert.rejects(writer.append(certified(1, epochCommits)), StorageError)
      if (notice === 'part') await writer.append(certified(1, 1))
      else await store.setCursor('executor', 0) // opens the database anew
      if (notice === 'settled') await writer.settled()
      if (notice !== 'next') assert.equal(epochs.nextEpoch, 1)
      await writer.append(certified(epochCommits + 1, 12))
      assert.equal(store.watermarks.highestSynced.index, 12)
      assert.deepEqual(stored, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], notice)
      await store.close()
    }
  })

  it('goes on after a write that failed, and loses no votes by it', async () => {
    let failing = false
    const { writer, store, stored } = await open(
      (inner) =>
        new Proxy(inner, {
          get(target, key) {
            if (key === 'write' && failing)
              return async () => Promise.reject(new StorageError('STORAGE_WRITE_FAILED', 'the disk is full'))
            const value: unknown = Reflect.get(target, key, target)
            return typeof value === 'function' ? value.bind(target) : value
          }
        })
    )
    await writer.append(run(1, 10))
    failing = true
    await assert.rejects(writer.append(run(11, 14)), StorageError)
    assert.equal(stored.length, 10)
    failing = false
    await writer.append(run(11, 20))
    assert.equal(stored.length, 20)
    for (let index = 1; index <= 15; index++)
      assert.equal(await store.highestCertifiableIn(index, index), index, `commit ${index}`)
  })
})
