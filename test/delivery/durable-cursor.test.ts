import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createDelivery } from '../../src/delivery/commit-delivery.ts'
import { StorageError } from '../../src/storage/storage-error.ts'
import { CHAIN_LENGTH } from '../../src/testing/storage-conformance-fixture.ts'
import { assertFails, isPending, iterate, nextIndex, openRoom, type Room, takeUntil } from './delivery-room.ts'

/** What a process finds that starts on the same store. */
function restart({ store, clock }: Room) {
  return createDelivery({ store, clock })
}

describe('a durable cursor', () => {
  it('goes on where it was', async (t) => {
    const room = await openRoom(t, 10)
    const iterator = iterate(room.delivery.subscribe({ name: 'executor' }))
    await takeUntil(iterator, 4)
    assert.equal(await nextIndex(iterator), 5) // says that 4 is consumed
    await room.delivery.stop()
    assert.equal(await room.store.getCursor('executor'), 4)
    assert.equal(await nextIndex(iterate(restart(room).subscribe({ name: 'executor' }))), 5)
  })

  it('is registered before the first commit is handed over', async (t) => {
    const { store, delivery } = await openRoom(t, 10)
    await nextIndex(iterate(delivery.subscribe({ name: 'executor', from: 4 })))
    assert.equal(await store.getCursor('executor'), 3)
  })

  it('is overridden by the first commit wanted, forwards and back', async (t) => {
    const { store, delivery } = await openRoom(t, 10)
    await store.setCursor('executor', 6)
    for (const from of [9, 2]) {
      const iterator = iterate(delivery.subscribe({ name: 'executor', from }))
      assert.equal(await nextIndex(iterator), from)
      assert.equal(await store.getCursor('executor'), from - 1)
      await iterator.return()
    }
  })

  it('is stored every hundred commits', async (t) => {
    const { store, delivery } = await openRoom(t, CHAIN_LENGTH)
    const stored = observeCursor(store)
    const iterator = iterate(delivery.subscribe({ name: 'executor' }))
    await takeUntil(iterator, 100)
    assert.deepEqual(stored.positions, [0])
    await takeUntil(iterator, 102)
    while (stored.positions.length < 2) await stored.next()
    assert.ok((stored.positions[1] as number) >= 100, `stored ${stored.positions}`)
  })

  it('is stored every second', async (t) => {
    const { store, delivery, clock } = await openRoom(t, 10)
    const stored = observeCursor(store)
    const iterator = iterate(delivery.subscribe({ name: 'executor' }))
    await takeUntil(iterator, 3)
    clock.advance(999)
    assert.ok(await isPending(stored.next()))
    assert.deepEqual(stored.positions, [0])
    clock.advance(1)
    await stored.next()
    assert.deepEqual(stored.positions, [0, 2])
  })

  it('is stored while its subscriber waits for more', async (t) => {
    const { store, delivery, clock } = await openRoom(t, 3)
    const stored = observeCursor(store)
    const iterator = iterate(delivery.subscribe({ name: 'executor' }))
    await takeUntil(iterator, 3)
    assert.ok(await isPending(nextIndex(iterator)))
    clock.advance(1000)
    while (stored.positions.at(-1) !== 3) await stored.next()
  })

  it('is stored no more often than it moves', async (t) => {
    const { store, delivery, clock } = await openRoom(t, 10)
    const stored = observeCursor(store)
    const iterator = iterate(delivery.subscribe({ name: 'executor' }))
    await takeUntil(iterator, 3)
    clock.advance(1000)
    await stored.next()
    for (let second = 1; second <= 5; second++) {
      clock.advance(1000)
      assert.ok(await isPending(stored.next()))
    }
    assert.equal(clock.sleeping, 0)
    await iterator.return()
    assert.deepEqual(stored.positions, [0, 2])
  })

  it('keeps up with a subscriber that overtakes the disk', async (t) => {
    const { store, delivery, clock } = await openRoom(t, CHAIN_LENGTH)
    const iterator = iterate(delivery.subscribe({ name: 'executor' }))
    await takeUntil(iterator, 3)
    const disk = holdCursor(store)
    clock.advance(1000)
    await disk.begun
    await takeUntil(iterator, 120)
    disk.release()
    await disk.stored(119)
  })

  it('waits at its end for the write under way', async (t) => {
    const { store, delivery, clock } = await openRoom(t, 10)
    const iterator = iterate(delivery.subscribe({ name: 'executor' }))
    await takeUntil(iterator, 3)
    const disk = holdCursor(store)
    clock.advance(1000)
    await disk.begun
    await takeUntil(iterator, 6)
    const end = iterator.return()
    assert.ok(await isPending(end))
    assert.deepEqual(disk.asked, [2])
    disk.release()
    await end
    assert.deepEqual(disk.asked, [2, 5])
  })

  it('counts the commit in hand as consumed when the signal aborts and the subscriber comes back', async (t) => {
    const { store, delivery } = await openRoom(t, 10)
    const controller = new AbortController()
    for await (const { commit } of delivery.subscribe({ name: 'executor', signal: controller.signal })) {
      if (commit.ref.index === 5) controller.abort()
    }
    assert.equal(await store.getCursor('executor'), 5)
  })

  it('is held by one subscriber at a time', async (t) => {
    const { delivery } = await openRoom(t, 10)
    const first = iterate(delivery.subscribe({ name: 'executor' }))
    await nextIndex(first)
    await assertFails(nextIndex(iterate(delivery.subscribe({ name: 'executor' }))), 'CURSOR_BUSY')
    assert.equal(await nextIndex(iterate(delivery.subscribe({ name: 'indexer' }))), 1)
    assert.equal(await nextIndex(first), 2)
    await first.return()
    assert.equal(await nextIndex(iterate(delivery.subscribe({ name: 'executor' }))), 2)
  })

  it('is held once only when two come at the same time', async (t) => {
    const { delivery } = await openRoom(t, 10)
    const both = [1, 2].map(() => nextIndex(iterate(delivery.subscribe({ name: 'executor' }))))
    const results = await Promise.allSettled(both)
    assert.deepEqual(results.map((result) => result.status).sort(), ['fulfilled', 'rejected'])
  })

  it('refuses names that are none', async (t) => {
    const { store, delivery } = await openRoom(t, 3)
    for (const name of ['', ' ', '-a', 'a b', 'a/b', '__proto__', 'x'.repeat(65), 'subscriber-1', 'é']) {
      await assertFails(nextIndex(iterate(delivery.subscribe({ name }))), 'CURSOR_INVALID')
    }
    for (const name of ['a', 'A.b-c_9', 'x'.repeat(64)]) {
      assert.equal(await nextIndex(iterate(delivery.subscribe({ name }))), 1)
    }
    assert.equal((await store.listCursors()).size, 3)
  })

  it('tells its subscriber when its position cannot be stored', async (t) => {
    const { store, delivery, clock } = await openRoom(t, 10)
    const iterator = iterate(delivery.subscribe({ name: 'executor' }))
    await takeUntil(iterator, 3)
    const failure = new StorageError('STORAGE_WRITE_FAILED', 'disk full')
    const setCursor = store.setCursor.bind(store)
    store.setCursor = () => Promise.reject(failure)
    clock.advance(1000)
    await isPending(Promise.resolve())
    await assert.rejects(nextIndex(iterator), (thrown) => thrown === failure)
    store.setCursor = setCursor
    assert.equal(await store.getCursor('executor'), 0)
    assert.equal(await nextIndex(iterate(delivery.subscribe({ name: 'executor' }))), 1)
  })

  it('is stored by stop, which says when it could not', async (t) => {
    const room = await openRoom(t, 10)
    const delivery = restart(room)
    await takeUntil(iterate(delivery.subscribe({ name: 'executor' })), 3)
    await takeUntil(iterate(delivery.subscribe({ name: 'indexer' })), 5)
    const failure = new StorageError('STORAGE_WRITE_FAILED', 'disk full')
    const setCursor = room.store.setCursor.bind(room.store)
    room.store.setCursor = (name, position) =>
      name === 'executor' ? Promise.reject(failure) : setCursor(name, position)
    await assert.rejects(delivery.stop(), (thrown) => thrown === failure)
    assert.equal(await room.store.getCursor('indexer'), 4)
  })
})

/** Records what is stored of cursors. */
function observeCursor(store: Room['store']): { positions: number[]; next(): Promise<void> } {
  const positions: number[] = []
  let heard = Promise.withResolvers<void>()
  const setCursor = store.setCursor.bind(store)
  store.setCursor = async (name, position) => {
    await setCursor(name, position)
    positions.push(position)
    heard.resolve()
    heard = Promise.withResolvers()
  }
  return { positions, next: () => heard.promise }
}

/** Makes the disk wait with positions until it is released. */
function holdCursor(store: Room['store']): {
  asked: number[]
  begun: Promise<void>
  release(): void
  stored(position: number): Promise<void>
} {
  const asked: number[] = []
  const begun = Promise.withResolvers<void>()
  const held = Promise.withResolvers<void>()
  const done = new Map<number, PromiseWithResolvers<void>>()
  const doneAt = (position: number) => {
    const known = done.get(position) ?? Promise.withResolvers<void>()
    done.set(position, known)
    return known
  }
  const setCursor = store.setCursor.bind(store)
  store.setCursor = async (name, position) => {
    asked.push(position)
    begun.resolve()
    await held.promise
    await setCursor(name, position)
    doneAt(position).resolve()
  }
  return { asked, begun: begun.promise, release: () => held.resolve(), stored: (position) => doneAt(position).promise }
}
