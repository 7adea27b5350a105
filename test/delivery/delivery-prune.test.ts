import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { assertFails, isPending, iterate, nextIndex, openRoom, takeUntil } from './delivery-room.ts'

describe('pruning through the delivery', () => {
  it('goes as far as it is told when nobody needs more', async (t) => {
    const { store, delivery } = await openRoom(t, 20)
    assert.equal(await delivery.prune(8), 8)
    assert.equal(await delivery.prune(100), 20)
    assert.equal(await delivery.prune(-5), 20)
    assert.equal(store.watermarks.lowestAvailable, 20)
  })

  it('never passes a registered cursor, whether its subscriber is there or not', async (t) => {
    const { store, delivery } = await openRoom(t, 20)
    await store.setCursor('away', 4)
    assert.equal(await delivery.prune(15), 5)
    await store.deleteCursor('away')
    await store.setCursor('indexer', 9)
    const iterator = iterate(delivery.subscribe({ name: 'indexer' }))
    await takeUntil(iterator, 14)
    assert.equal(await delivery.prune(15), 10, 'the stored position counts: a restart begins there')
    assert.equal(await nextIndex(iterator), 15)
  })

  it('never passes a live subscriber without a name', async (t) => {
    const { delivery } = await openRoom(t, 20)
    const iterator = iterate(delivery.subscribe())
    await takeUntil(iterator, 6)
    assert.equal(await delivery.prune(15), 6)
    await iterator.return()
    assert.equal(await delivery.prune(15), 15)
  })

  it('never passes a cursor set back that is not stored yet', async (t) => {
    const { store, delivery } = await openRoom(t, 20)
    await store.setCursor('executor', 15)
    const { promise, resolve } = Promise.withResolvers<void>()
    const setCursor = store.setCursor.bind(store)
    store.setCursor = async (name, position) => {
      await promise
      await setCursor(name, position)
    }
    const first = nextIndex(iterate(delivery.subscribe({ name: 'executor', from: 3 })))
    assert.ok(await isPending(first))
    assert.equal(await delivery.prune(12), 3)
    resolve()
    assert.equal(await first, 3)
  })

  it('gives a subscriber that begins meanwhile what will be left', async (t) => {
    const { store, delivery } = await openRoom(t, 20)
    const prune = store.prune.bind(store)
    const begun: Promise<number | undefined>[] = []
    store.prune = (index) => {
      begun.push(nextIndex(iterate(delivery.subscribe())), nextIndex(iterate(delivery.subscribe({ from: 12 }))))
      assertPruned = assertFails(nextIndex(iterate(delivery.subscribe({ from: 11 }))), 'COMMIT_PRUNED')
      return prune(index)
    }
    let assertPruned: Promise<void> | undefined
    await delivery.prune(12)
    assert.deepEqual(await Promise.all(begun), [12, 12])
    await assertPruned
  })

  it('changes nothing for those who begin after one that failed', async (t) => {
    const { store, delivery } = await openRoom(t, 20)
    const failure = new Error('disk full')
    store.prune = () => Promise.reject(failure)
    await assert.rejects(delivery.prune(12), (thrown) => thrown === failure)
    assert.equal(await nextIndex(iterate(delivery.subscribe())), 1)
  })

  it('passes everyone when it is forced, and tells them', async (t) => {
    const { store, delivery, grow } = await openRoom(t, 20)
    await store.setCursor('away', 4)
    const [executor, unnamed] = [iterate(delivery.subscribe({ name: 'executor' })), iterate(delivery.subscribe())]
    await takeUntil(executor, 6)
    await takeUntil(unnamed, 20)
    const waiting = nextIndex(unnamed)
    assert.equal(await delivery.prune(15, { force: true }), 15)
    await assertFails(nextIndex(executor), 'COMMIT_PRUNED')
    await assertFails(nextIndex(iterate(delivery.subscribe({ name: 'away' }))), 'COMMIT_PRUNED')
    await grow(21)
    assert.equal(await waiting, 21, 'who needs nothing that is gone is not concerned')
  })

  it('is not held back by cursors that a forced one has passed', async (t) => {
    const { store, delivery } = await openRoom(t, 20)
    await store.setCursor('lost', 4)
    await store.setCursor('executor', 11)
    assert.equal(await delivery.slowest(), 4)
    await delivery.prune(10, { force: true })
    assert.equal(await delivery.slowest(), 11)
    assert.equal(await delivery.prune(19), 12)
    assert.equal(await store.getCursor('lost'), 4)
    assert.equal(await nextIndex(iterate(delivery.subscribe({ name: 'lost', from: 14 }))), 14)
    assert.equal(await delivery.slowest(), 11)
  })
})

describe('positions', () => {
  it('are those of durable cursors and of live subscribers', async (t) => {
    const { store, delivery } = await openRoom(t, 20)
    await store.setCursor('away', 4)
    assert.equal(await delivery.slowest(), 4)
    await store.deleteCursor('away')
    assert.equal(await delivery.slowest(), undefined)

    const [executor, unnamed] = [
      iterate(delivery.subscribe({ name: 'executor' })),
      iterate(delivery.subscribe({ from: 3 }))
    ]
    await takeUntil(executor, 7)
    await takeUntil(unnamed, 4)
    const positions = await delivery.positions()
    assert.equal(positions.size, 2)
    assert.equal(positions.get('executor'), 6)
    const [name] = [...positions.keys()].filter((other) => other !== 'executor')
    assert.match(name ?? '', /^subscriber-\d+$/)
    assert.equal(positions.get(name ?? ''), 3)
    assert.equal(await delivery.slowest(), 6, 'subscribers without a name hold up nobody')
  })
})
