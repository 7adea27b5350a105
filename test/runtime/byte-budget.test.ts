import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ByteBudget } from '../../src/runtime/byte-budget.ts'

const signal: AbortSignal = new AbortController().signal
const patient = { signal, isUrgent: () => false }

/** Whether a promise has settled by the time all microtasks have run. */
async function settled(promise: Promise<void>): Promise<boolean> {
  let done = false
  void promise.then(() => {
    done = true
  })
  await new Promise(setImmediate)
  return done
}

describe('ByteBudget', () => {
  it('admits up to its limit, and the next when there is room', async () => {
    const budget = new ByteBudget(10)
    await budget.acquire(6, patient)
    await budget.acquire(4, patient)
    const third = budget.acquire(3, patient)
    assert.ok(!(await settled(third)))
    budget.release(4)
    await third
    assert.equal(budget.held, 9)
  })

  it('admits one over its limit when nothing is held', async () => {
    const budget = new ByteBudget(10)
    await budget.acquire(100, patient)
    assert.equal(budget.held, 100)
  })

  it('lets nobody overtake who waits, small as they may be', async () => {
    const budget = new ByteBudget(10)
    await budget.acquire(8, patient)
    const large = budget.acquire(9, patient)
    const small = budget.acquire(1, patient)
    assert.ok(!(await settled(small)))
    budget.release(8)
    await large
    await small
    assert.equal(budget.held, 10)
  })

  it('admits whoever is urgent at once, over the limit', async () => {
    const budget = new ByteBudget(10)
    await budget.acquire(10, patient)
    await budget.acquire(5, { signal, isUrgent: () => true })
    assert.equal(budget.held, 15)
  })

  it('admits a waiter that became urgent, at a review', async () => {
    const budget = new ByteBudget(10)
    await budget.acquire(10, patient)
    let urgent = false
    const waiting = budget.acquire(5, { signal, isUrgent: () => urgent })
    assert.ok(!(await settled(waiting)))
    urgent = true
    budget.review()
    await waiting
  })

  it('lets go of a waiter that aborts, and admits those behind it', async () => {
    const budget = new ByteBudget(10)
    await budget.acquire(5, patient)
    const controller = new AbortController()
    const large = budget.acquire(9, { signal: controller.signal, isUrgent: () => false })
    const small = budget.acquire(5, patient)
    const reason = new Error('given up')
    controller.abort(reason)
    await assert.rejects(large, (thrown) => thrown === reason)
    await small
    assert.equal(budget.held, 10)
  })

  it('takes nothing for an aborted signal', async () => {
    const budget = new ByteBudget(10)
    await assert.rejects(budget.acquire(1, { signal: AbortSignal.abort(), isUrgent: () => true }))
    assert.equal(budget.held, 0)
  })
})
