import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Committee } from '../../src/consensus/committee.ts'
import { consequenceOf } from '../../src/peers/consequence.ts'
import { HealthRegistry } from '../../src/runtime/health.ts'
import { errorCode } from '../../src/runtime/soma-error.ts'
import type { EpochGateInit } from '../../src/state-sync/epoch-gate.ts'
import { openMemoryStore } from '../../src/storage/index.ts'
import { buildChain, changingValidators, commitAt, lastCommitOfEpoch, writeChain } from '../../src/testing/index.ts'
import { ManualClock } from '../peers/manual-clock.ts'
import { epochsOf } from './open-epochs.ts'

const chain = buildChain({
  commits: 12,
  validators: 4,
  epochs: { commits: 4, validators: changingValidators({ sizes: [4, 7, 2] }) }
})
const isWrongEpoch = (thrown: unknown) => errorCode(thrown) === 'COMMITS_WRONG_EPOCH'

async function open(commits: number, init: Partial<EpochGateInit> = {}) {
  const store = await openMemoryStore({ genesis: chain.genesis })
  await writeChain(store, chain.commits.slice(0, commits))
  const entered: number[] = []
  const health = new HealthRegistry()
  const gate = epochsOf(store, { health, onEpoch: ({ epoch }: Committee) => entered.push(epoch), ...init })
  await gate.open()
  const admit = (start: number, epoch: number, signal = new AbortController().signal) =>
    gate.admit({ start, epoch, signal })
  return { store, gate, admit, entered, health }
}

/** Whether something has not come about after everything that could bring it. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const turn = new Promise((resolve) => setImmediate(() => resolve('pending')))
  return (await Promise.race([promise.then(() => 'settled'), turn])) === 'pending'
}

describe('EpochGate', () => {
  it('begins in the epoch that the store has come to', async () => {
    for (const [commits, epoch] of [
      [0, 0],
      [3, 0],
      [4, 1],
      [5, 1],
      [8, 2]
    ] as const) {
      const { gate, entered } = await open(commits)
      assert.equal(gate.nextEpoch, epoch, `after commit ${commits}`)
      assert.deepEqual(entered, [])
    }
  })

  it('lets pass what is of the epoch of now, with its committee', async () => {
    const { admit } = await open(5)
    const { committee, isOver } = await admit(6, 1)
    assert.deepEqual(committee.digest, chain.committees[1]?.digest)
    assert.equal(isOver, false)
  })

  it('keeps what is of a later epoch until the chain has come to it', async () => {
    const { store, gate, admit, entered } = await open(2)
    const waiting = admit(5, 1)
    assert.equal(await isPending(waiting), true)
    await writeChain(store, chain.commits.slice(2, 4))
    await gate.moved(4, 1)
    assert.deepEqual((await waiting).committee.digest, chain.committees[1]?.digest)
    assert.deepEqual(entered, [1])
  })

  it('keeps it no longer when its turn has come and it was a lie', async () => {
    const { store, gate, admit } = await open(1)
    const liar = admit(4, 2)
    assert.equal(await isPending(liar), true)
    await writeChain(store, chain.commits.slice(1, 3))
    await gate.moved(3, 0)
    await assert.rejects(liar, isWrongEpoch)
    await assert.rejects(admit(4, 1), isWrongEpoch)
  })

  it('refuses at once what claims more epochs than there are commits for them', async () => {
    const { gate, admit } = await open(1)
    await assert.rejects(admit(4, 3), isWrongEpoch)
    await assert.rejects(gate.maxCertifiers(4, 3), isWrongEpoch)
    assert.equal(await isPending(admit(4, 2)), true)
    assert.equal(await gate.maxCertifiers(4, 2), 1_000)
  })

  it('waits for a chain that stands still for no longer than a while, and blames nobody', async () => {
    const clock = new ManualClock()
    const { store, gate, admit } = await open(1, { clock })
    const waiting = admit(9, 2)
    assert.equal(await isPending(waiting), true)
    clock.advance(9_999)
    await writeChain(store, chain.commits.slice(1, 4))
    await gate.moved(4, 1)
    assert.equal(await isPending(waiting), true)
    clock.advance(9_999)
    assert.equal(await isPending(waiting), true, 'the chain came on')
    clock.advance(1)
    await assert.rejects(waiting, (thrown) => errorCode(thrown) === 'BLOCK_UNKNOWN_EPOCH')
    assert.equal(clock.sleeping, 0)
  })

  it('says of an epoch that is over that it is, and of what is stored already that it is not', async () => {
    const { admit } = await open(4)
    assert.equal((await admit(5, 0)).isOver, true)
    assert.equal((await admit(4, 0)).isOver, false)
  })

  it('ends with the signal that it waits with', async () => {
    const { admit } = await open(2)
    const controller = new AbortController()
    const waiting = admit(5, 1, controller.signal)
    const reason = new Error('no longer wanted')
    controller.abort(reason)
    await assert.rejects(waiting, reason)
    await assert.rejects(admit(5, 1, controller.signal), reason)
  })

  it('waits for the executing node where committees are inserted, for one epoch and no further', async () => {
    const { gate, admit, health } = await open(3, { mode: 'inserted' })
    const waiting = admit(4, 1)
    assert.equal(await isPending(waiting), true)
    assert.equal(health.get('epoch').state, 'degraded')
    await assert.rejects(admit(4, 2), isWrongEpoch)
    assert.equal(await gate.maxCertifiers(4, 0), 4)
    assert.equal(await gate.maxCertifiers(4, 1), 1_000, 'nobody knows yet how many they are')
    await assert.rejects(gate.moved(3, 1), (thrown) => errorCode(thrown) === 'STORAGE_CORRUPTED')
  })

  it('allows an answer of an epoch that is over the certifiers of that epoch, though there are fewer validators now', async () => {
    const { gate } = await open(lastCommitOfEpoch(chain, 1))
    assert.equal(await gate.maxCertifiers(9, 2), 2)
    assert.equal(await gate.maxCertifiers(9, 1), 7)
    assert.equal(await gate.maxCertifiers(4, 0), 4)
  })

  it('waits with one peer for no longer than a while, and blames it for nothing', async () => {
    const clock = new ManualClock()
    const { store, gate, admit } = await open(3, { mode: 'inserted', clock })
    const waiting = admit(4, 1)
    assert.equal(await isPending(waiting), true)
    clock.advance(10_000)
    await assert.rejects(waiting, (thrown) => errorCode(thrown) === 'BLOCK_UNKNOWN_EPOCH')
    assert.equal(consequenceOf('BLOCK_UNKNOWN_EPOCH'), 'none')
    const again = admit(4, 1)
    const [, next] = chain.committees
    if (next === undefined) throw new RangeError('no such epoch')
    await store.write({ commits: [], committees: [next] })
    await gate.moved(3, 1)
    assert.deepEqual((await again).committee.digest, next.digest)
    assert.equal(clock.sleeping, 0)
  })

  it('refuses epochs before the checkpoint that the store began at', async () => {
    const store = await openMemoryStore({ genesis: chain.genesis })
    const [, , committee] = chain.committees
    if (committee === undefined) throw new RangeError('no such epoch')
    await store.beginAt({ commit: commitAt(chain, 8).subDag.commit.ref, committee })
    const gate = epochsOf(store)
    await gate.open()
    assert.equal(gate.nextEpoch, 2)
    const { signal } = new AbortController()
    for (const start of [3, 9]) {
      await assert.rejects(gate.admit({ start, epoch: 1, signal }), isWrongEpoch)
      await assert.rejects(gate.maxCertifiers(start, 1), isWrongEpoch)
    }
    assert.deepEqual((await gate.admit({ start: 9, epoch: 2, signal })).committee.digest, committee.digest)
  })

  it('bounds the certifiers of an answer by the committee, where that is known', async () => {
    const { gate } = await open(lastCommitOfEpoch(chain, 0))
    assert.equal(await gate.maxCertifiers(5, 1), 7)
    assert.equal(await gate.maxCertifiers(5, 2), 7, 'it cannot be')
    assert.equal(await gate.maxCertifiers(30, 1), 7)
    assert.equal(await gate.maxCertifiers(30, 2), 1_000)
  })
})
