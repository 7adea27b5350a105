import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { TaskGroup } from '../../src/runtime/task-group.ts'

function noFailure(error: unknown): void {
  assert.fail(String(error))
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error))
  })
}

describe('TaskGroup', () => {
  it('counts its tasks and forgets those that ended', async () => {
    const group = new TaskGroup(noFailure)
    const { promise, resolve } = Promise.withResolvers<void>()
    group.run(() => promise)
    assert.equal(group.size, 1)
    resolve()
    await group.stop(new Error('stop'))
    assert.equal(group.size, 0)
  })

  it('reports a failure, and goes on', async () => {
    const failures: unknown[] = []
    const group = new TaskGroup((error) => failures.push(error))
    const failure = new Error('failed')
    const other = Promise.withResolvers<void>()
    group.run(() => Promise.reject(failure))
    group.run(() => other.promise)
    await new Promise(setImmediate)
    assert.deepEqual(failures, [failure])
    assert.equal(group.size, 1)
    other.resolve()
    await group.stop(new Error('stop'))
  })

  it('aborts its tasks with the reason, takes their ends for no failures, and waits for the last', async () => {
    const group = new TaskGroup(noFailure)
    const reason = new Error('stop')
    let cleaned = false
    group.run(async (signal) => {
      await aborted(signal).catch((thrown) => assert.equal(thrown, reason))
      await new Promise(setImmediate)
      cleaned = true
      throw reason
    })
    await group.stop(reason)
    assert.ok(cleaned)
  })

  it('waits for tasks that were started while it stopped', async () => {
    const group = new TaskGroup(noFailure)
    let ended = false
    group.run(async (signal) => {
      await aborted(signal).catch(() => undefined)
      group.run(async () => {
        await new Promise(setImmediate)
        ended = true
      })
    })
    await group.stop(new Error('stop'))
    assert.ok(ended)
  })
})
