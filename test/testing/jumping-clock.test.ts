import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../../src/runtime/clock.ts'
import { JumpingClock } from '../../src/testing/jumping-clock.ts'

test('its wall time jumps, and its monotonic time does not', async () => {
  const slept: number[] = []
  const stopped: Clock = {
    now: () => 1_000,
    monotonic: () => 5,
    async sleep(milliseconds) {
      slept.push(milliseconds)
    }
  }
  const clock = new JumpingClock(stopped)
  assert.equal(clock.now(), 1_000)
  clock.jump(-3_000)
  clock.jump(500)
  assert.deepEqual([clock.now(), clock.offsetMs, clock.monotonic()], [-1_500, -2_500, 5])
  await clock.sleep(7)
  assert.deepEqual(slept, [7])
})
