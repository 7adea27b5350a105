import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Committee } from '../../src/consensus/committee.ts'
import { errorCode } from '../../src/runtime/soma-error.ts'
import { CheckpointGuard } from '../../src/state-sync/checkpoint-guard.ts'
import { provenHandOverOf } from '../../src/state-sync/hand-over.ts'
import type { HandOversInit } from '../../src/state-sync/hand-overs.ts'
import { SyncError } from '../../src/state-sync/sync-error.ts'
import { openMemoryStore } from '../../src/storage/index.ts'
import { buildChain, changingValidators, commitAt, lastCommitOfEpoch, writeChain } from '../../src/testing/index.ts'
import { ManualClock } from '../peers/manual-clock.ts'
import { epochsOf, handOversOf } from './open-epochs.ts'

const chain = buildChain({ commits: 12, epochs: { commits: 4, validators: changingValidators({ sizes: [4, 7] }) } })
const LAST = lastCommitOfEpoch(chain, 0)
const last = commitAt(chain, LAST).subDag
const evidence = () => ({ commits: [last.commit], certifiers: [] })
const committeeOf = (epoch: number): Committee => chain.committees[epoch] ?? assert.fail(`no epoch ${epoch}`)
const handedOver = provenHandOverOf(last)?.stateHash ?? assert.fail('no state hash')
const other = new Uint8Array(32).fill(7)

async function open(init: Partial<HandOversInit> = {}) {
  const store = await openMemoryStore({ genesis: chain.genesis })
  await writeChain(store, chain.commits.slice(0, LAST - 1))
  const epochs = epochsOf(store)
  await epochs.open()
  return handOversOf(store, epochs, init)
}

const asked: number[] = []
const passes: Record<string, HandOversInit['localStateHash']> = {
  'the one that this node has computed': async (lastCommit) => {
    asked.push(lastCommit)
    return handedOver
  },
  'one that this node has not computed yet': async () => undefined,
  'one of which this node cannot say whether it has it': async () => {
    throw new Error('the ledger is closed')
  }
}

describe('the state that an epoch hands over', () => {
  for (const [name, localStateHash] of Object.entries(passes)) {
    it(`may be ${name}`, async () => {
      const handOvers = await open({ localStateHash })
      assert.deepEqual((await handOvers.after(last, evidence))?.digest, committeeOf(1).digest)
    })
  }

  it('is asked for by the last commit of the epoch, and by no other', async () => {
    asked.length = 0
    const handOvers = await open({ localStateHash: passes['the one that this node has computed'] })
    for (let index = 1; index <= LAST; index++) await handOvers.after(commitAt(chain, index).subDag, evidence)
    assert.deepEqual(asked, [LAST])
  })

  it('is refused where this node has computed another, with the block that says so', async () => {
    const handOvers = await open({ localStateHash: async () => other })
    await assert.rejects(handOvers.after(last, evidence), (thrown: unknown) => {
      assert.ok(thrown instanceof SyncError)
      assert.equal(thrown.code, 'SYNC_CERTIFIED_DATA_REFUSED')
      assert.deepEqual(thrown.evidence?.commits, [last.commit])
      assert.deepEqual(thrown.evidence?.blocks?.[0]?.ref, last.commit.commit.leader)
      return true
    })
  })

  it('is waited for no longer than a while', async () => {
    const clock = new ManualClock()
    const handOvers = await open({ clock, localStateHash: () => new Promise(() => {}) })
    const after = handOvers.after(last, evidence)
    while (clock.sleeping === 0) await new Promise((resolve) => setImmediate(resolve))
    clock.advance(2_000)
    assert.deepEqual((await after)?.digest, committeeOf(1).digest)
    assert.equal(clock.sleeping, 0)
  })
})

describe('a committee that the chain proves', () => {
  const isConflict = (thrown: unknown) => errorCode(thrown) === 'SYNC_COMMITTEE_CONFLICT'

  it('is the one inserted, or the sync halts', async () => {
    const handOvers = await open()
    assert.equal(await handOvers.insert({ ...committeeOf(2), epoch: 1 }, last.commit.ref), 'expected')
    await assert.rejects(handOvers.after(last, evidence), isConflict)
    assert.equal(await handOvers.insert(committeeOf(1), last.commit.ref), 'expected')
    assert.deepEqual((await handOvers.after(last, evidence))?.digest, committeeOf(1).digest)
  })

  it("is the trusted checkpoint's, or the sync halts", async () => {
    const checkpoint = { commit: commitAt(chain, 6).subDag.commit.ref, committee: { ...committeeOf(2), epoch: 1 } }
    const handOvers = await open({ guard: new CheckpointGuard(checkpoint) })
    await assert.rejects(handOvers.after(last, evidence), isConflict)
  })
})

describe('a committee that is inserted', () => {
  it('opens the next epoch once, not one without a commit', async () => {
    const store = await openMemoryStore({ genesis: chain.genesis })
    const isInvalid = (thrown: unknown) => errorCode(thrown) === 'CONSENSUS_INVALID'
    const epochs = epochsOf(store, { mode: 'inserted' })
    await epochs.open()
    const handOvers = handOversOf(store, epochs)
    await assert.rejects(handOvers.insert(committeeOf(1), store.watermarks.highestSynced), isInvalid)
    const commits = chain.commits.slice(0, LAST).map(({ subDag }) => subDag)
    await store.write({ commits })
    await epochs.moved(LAST, 0)
    assert.equal(await handOvers.insert(committeeOf(1), last.commit.ref), 'stored')
    await store.write({ commits: [], committees: [committeeOf(1)] })
    await epochs.moved(LAST, 1)
    assert.equal(await handOvers.insert(committeeOf(1), last.commit.ref), 'known')
    await assert.rejects(handOvers.insert(committeeOf(2), last.commit.ref), isInvalid)
  })
})
