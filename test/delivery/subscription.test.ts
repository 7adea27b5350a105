import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { assertSubDag, bytesOf, CHAIN_LENGTH, subDagAt } from '../../src/testing/storage-conformance-fixture.ts'
import { assertFails, isPending, iterate, nextIndex, openRoom, range, takeUntil } from './delivery-room.ts'

describe('a subscription', () => {
  it('reads history, then follows', async (t) => {
    const { delivery, grow } = await openRoom(t, 3)
    const iterator = iterate(delivery.subscribe())
    assert.deepEqual(await takeUntil(iterator, 3), [1, 2, 3])
    const fourth = nextIndex(iterator)
    assert.ok(await isPending(fourth))
    await grow(5)
    assert.equal(await fourth, 4)
    assert.equal(await nextIndex(iterator), 5)
  })

  it('hands over whole commits', async (t) => {
    const { delivery } = await openRoom(t, 5)
    for await (const subDag of delivery.subscribe()) {
      const { index } = subDag.commit.ref
      assertSubDag(subDag, subDagAt(index))
      assert.equal(bytesOf(subDag.blocks).length, subDag.commit.commit.blocks.length)
      if (index === 5) break
    }
  })

  it('has no gap and no duplicate while commits are written', async (t) => {
    const { delivery, grow } = await openRoom(t, 20)
    const subscribers = [1, 1, 7].map((from) => takeUntil(iterate(delivery.subscribe({ from })), CHAIN_LENGTH))
    for (let index = 21; index < CHAIN_LENGTH; index += 1 + (index % 4)) await grow(index)
    await grow(CHAIN_LENGTH)
    const [first, second, third] = await Promise.all(subscribers)
    assert.deepEqual(first, range(1, CHAIN_LENGTH))
    assert.deepEqual(second, range(1, CHAIN_LENGTH))
    assert.deepEqual(third, range(7, CHAIN_LENGTH))
  })

  it('begins at the lowest available commit', async (t) => {
    const { store, delivery } = await openRoom(t, 10)
    await store.prune(4)
    assert.equal(await nextIndex(iterate(delivery.subscribe())), 4)
  })

  it('may wait for a commit far ahead', async (t) => {
    const { delivery, grow } = await openRoom(t, 2)
    const first = nextIndex(iterate(delivery.subscribe({ from: 6 })))
    await grow(5)
    assert.ok(await isPending(first))
    await grow(8)
    assert.equal(await first, 6)
  })

  it('goes at its own pace, whatever another does', async (t) => {
    const { delivery, grow } = await openRoom(t, 10)
    const [slow, fast] = [iterate(delivery.subscribe()), iterate(delivery.subscribe())]
    assert.equal(await nextIndex(slow), 1)
    assert.deepEqual(await takeUntil(fast, 10), range(1, 10))
    await grow(CHAIN_LENGTH)
    assert.deepEqual(await takeUntil(fast, CHAIN_LENGTH), range(11, CHAIN_LENGTH))
    assert.deepEqual(await takeUntil(slow, CHAIN_LENGTH), range(2, CHAIN_LENGTH))
  })

  it('reads nothing ahead', async (t) => {
    const { store, delivery } = await openRoom(t, 10)
    const read: number[] = []
    const getSubDag = store.getSubDag.bind(store)
    store.getSubDag = (index) => {
      read.push(index)
      return getSubDag(index)
    }
    const iterator = iterate(delivery.subscribe())
    await takeUntil(iterator, 3)
    assert.deepEqual(read, [1, 2, 3])
  })

  it('answers calls that come at once in their order', async (t) => {
    const { delivery, grow } = await openRoom(t, 2)
    const iterator = iterate(delivery.subscribe())
    const calls = range(1, 5).map(() => nextIndex(iterator))
    await grow(5)
    assert.deepEqual(await Promise.all(calls), range(1, 5))
  })

  it('is a new one for each iteration', async (t) => {
    const { delivery } = await openRoom(t, 3)
    const commits = delivery.subscribe()
    assert.deepEqual(await takeUntil(iterate(commits), 3), [1, 2, 3])
    assert.deepEqual(await takeUntil(iterate(commits), 2), [1, 2])
  })

  it('refuses a first commit that is none', async (t) => {
    const { delivery } = await openRoom(t, 3)
    for (const from of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      await assertFails(nextIndex(iterate(delivery.subscribe({ from }))), 'CURSOR_INVALID')
    }
  })

  it('fails when the wanted commit is pruned', async (t) => {
    const { store, delivery } = await openRoom(t, 10)
    await store.prune(5)
    const iterator = iterate(delivery.subscribe({ from: 4 }))
    await assertFails(nextIndex(iterator), 'COMMIT_PRUNED')
    assert.equal(await nextIndex(iterator), undefined)
    assert.deepEqual(await delivery.positions(), new Map())
  })

  it('registers no cursor for a commit that is pruned', async (t) => {
    const { store, delivery } = await openRoom(t, 10)
    await store.prune(5)
    await assertFails(nextIndex(iterate(delivery.subscribe({ name: 'executor', from: 4 }))), 'COMMIT_PRUNED')
    assert.equal(await store.getCursor('executor'), undefined)
  })

  it('passes on what the store fails with, and ends', async (t) => {
    const { store, delivery } = await openRoom(t, 10)
    const failure = new Error('unreadable')
    const iterator = iterate(delivery.subscribe())
    await nextIndex(iterator)
    store.getSubDag = () => Promise.reject(failure)
    await assert.rejects(nextIndex(iterator), (thrown) => thrown === failure)
    assert.equal(await nextIndex(iterator), undefined)
    assert.deepEqual(await delivery.positions(), new Map())
  })
})

describe('the end of a subscription', () => {
  it('comes with the signal, while it waits', async (t) => {
    const { delivery } = await openRoom(t, 1)
    const controller = new AbortController()
    const iterator = iterate(delivery.subscribe({ signal: controller.signal }))
    await nextIndex(iterator)
    const waiting = nextIndex(iterator)
    assert.ok(await isPending(waiting))
    controller.abort()
    assert.equal(await waiting, undefined)
    assert.deepEqual(await delivery.positions(), new Map())
  })

  it('comes with the signal, before it begins and between two commits', async (t) => {
    const { delivery } = await openRoom(t, 10)
    assert.equal(await nextIndex(iterate(delivery.subscribe({ signal: AbortSignal.abort() }))), undefined)
    const controller = new AbortController()
    const seen: number[] = []
    for await (const { commit } of delivery.subscribe({ signal: controller.signal })) {
      seen.push(commit.ref.index)
      if (commit.ref.index === 2) controller.abort()
    }
    assert.deepEqual(seen, [1, 2])
  })

  it('comes with the signal, while a commit is read', async (t) => {
    const { store, delivery } = await openRoom(t, 10)
    const controller = new AbortController()
    const getSubDag = store.getSubDag.bind(store)
    store.getSubDag = (index) => {
      controller.abort()
      return getSubDag(index)
    }
    assert.equal(await nextIndex(iterate(delivery.subscribe({ signal: controller.signal }))), undefined)
  })

  it('comes with an early break', async (t) => {
    const { delivery } = await openRoom(t, 10)
    for await (const { commit } of delivery.subscribe({ name: 'executor' })) if (commit.ref.index === 3) break
    assert.deepEqual(await delivery.positions(), new Map([['executor', 2]]))
    assert.equal(await nextIndex(iterate(delivery.subscribe({ name: 'executor' }))), 3)
  })

  it('comes with a return, also while it waits', async (t) => {
    const { delivery } = await openRoom(t, 1)
    const iterator = iterate(delivery.subscribe())
    await nextIndex(iterator)
    const waiting = nextIndex(iterator)
    assert.ok(await isPending(waiting))
    await iterator.return()
    assert.equal(await waiting, undefined)
    assert.equal(await nextIndex(iterator), undefined)
  })

  it('comes with a stop, for all, also for those that come later', async (t) => {
    const { delivery } = await openRoom(t, 3)
    const waiting = iterate(delivery.subscribe({ from: 4 }))
    const busy = iterate(delivery.subscribe())
    assert.equal(await nextIndex(busy), 1)
    const fourth = nextIndex(waiting)
    assert.ok(await isPending(fourth))
    await Promise.all([delivery.stop(), delivery.stop()])
    assert.equal(await fourth, undefined)
    assert.equal(await nextIndex(busy), undefined)
    assert.equal(await nextIndex(iterate(delivery.subscribe())), undefined)
  })

  it('may be asked for by the subscriber itself', async (t) => {
    const { delivery } = await openRoom(t, 10)
    const seen: number[] = []
    for await (const { commit } of delivery.subscribe({ name: 'executor' })) {
      seen.push(commit.ref.index)
      if (commit.ref.index === 4) await delivery.stop()
    }
    assert.deepEqual(seen, [1, 2, 3, 4])
  })
})
