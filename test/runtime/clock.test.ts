import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { systemClock } from '../../src/runtime/clock.ts'

describe('systemClock', () => {
  it('never goes back', () => {
    const before = systemClock.monotonic()
    assert.ok(systemClock.monotonic() >= before)
  })

  it('wakes a sleeper early with the reason of the abort', async () => {
    const controller = new AbortController()
    const sleeping = systemClock.sleep(3_600_000, { signal: controller.signal })
    const reason = new Error('enough')
    controller.abort(reason)
    await assert.rejects(sleeping, (thrown) => thrown === reason)
  })

  it('does not begin to sleep when the signal has aborted already', async () => {
    const reason = new Error('too late')
    await assert.rejects(
      systemClock.sleep(3_600_000, { signal: AbortSignal.abort(reason) }),
      (thrown) => thrown === reason
    )
  })

  it('sleeps without a signal', async () => {
    await systemClock.sleep(0)
  })
})
