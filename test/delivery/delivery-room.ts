import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { CommittedSubDag } from '../../src/consensus/committed-sub-dag.ts'
import { createDelivery } from '../../src/delivery/commit-delivery.ts'
import type { Delivery } from '../../src/delivery/delivery.ts'
import { DeliveryError, type DeliveryErrorCode } from '../../src/delivery/delivery-error.ts'
import type { CommitStore } from '../../src/storage/commit-store.ts'
import { openMemoryStore } from '../../src/storage/memory-store.ts'
import { conformanceChain, subDags } from '../../src/testing/storage-conformance-fixture.ts'
import { ManualClock } from '../peers/manual-clock.ts'

/** A delivery over a store in memory, with a clock that stands still. */
export interface Room {
  store: CommitStore
  delivery: Delivery
  clock: ManualClock
  /** Stores the next commits, up to `index`, and tells the delivery. */
  grow(index: number): Promise<void>
}

/** @param commits how many the store holds at first */
export async function openRoom(t: TestContext, commits: number): Promise<Room> {
  const store = await openMemoryStore(conformanceChain())
  if (commits > 0) await store.write({ commits: subDags(1, commits) })
  const clock = new ManualClock()
  const delivery = createDelivery({ store, clock })
  t.after(async () => {
    await delivery.stop()
    assert.equal(clock.sleeping, 0, 'something still runs after stop')
    await store.close()
  })
  const grow = async (index: number) => {
    await store.write({ commits: subDags(store.watermarks.highestSynced.index + 1, index) })
    delivery.advance()
  }
  return { store, delivery, clock, grow }
}

/** Goes through a subscription by hand. */
export function iterate(commits: AsyncIterable<CommittedSubDag>): AsyncIterator<CommittedSubDag> & {
  return(): Promise<unknown>
} {
  return commits[Symbol.asyncIterator]() as ReturnType<typeof iterate>
}

/** The index of the next commit; `undefined` at the end. */
export async function nextIndex(iterator: AsyncIterator<CommittedSubDag>): Promise<number | undefined> {
  const { done, value } = await iterator.next()
  return done === true ? undefined : value.commit.ref.index
}

/** Takes commits until one is reached, or the end. */
export async function takeUntil(iterator: AsyncIterator<CommittedSubDag>, last: number): Promise<number[]> {
  const indexes: number[] = []
  while (indexes.at(-1) !== last) {
    const index = await nextIndex(iterator)
    if (index === undefined) break
    indexes.push(index)
  }
  return indexes
}

export function range(start: number, end: number): number[] {
  return Array.from({ length: end - start + 1 }, (_, i) => start + i)
}

/** Whether a promise is still open when everything that can run has run. */
export async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let pending = true
  promise.then(
    () => {
      pending = false
    },
    () => {
      pending = false
    }
  )
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
  return pending
}

/** Checks that a subscription fails with a code. */
export async function assertFails(promise: Promise<unknown>, code: DeliveryErrorCode): Promise<void> {
  await assert.rejects(promise, (thrown) => {
    assert.ok(thrown instanceof DeliveryError, `not a DeliveryError: ${thrown}`)
    assert.equal(thrown.code, code, thrown.message)
    return true
  })
}
