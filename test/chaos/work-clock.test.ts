import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CoreTimes, WorkClock } from './work-clock.ts'

test('it goes by the share of the time in which processes could work, of those that come and go as well', async () => {
  const times = new Map<number, CoreTimes>([[1, { ranMs: 5_000, waitedMs: 0 }]])
  const clock = new WorkClock(async (pid) => times.get(pid))
  await clock.tick([1], 1_000)
  assert.equal(clock.nowMs, 0)
  times.set(1, { ranMs: 5_100, waitedMs: 300 })
  await clock.tick([1], 2_000)
  assert.equal(clock.nowMs, 250)
  times.set(1, { ranMs: 5_200, waitedMs: 300 })
  times.set(2, { ranMs: 100, waitedMs: 200 })
  await clock.tick([1, 2], 3_000)
  assert.equal(clock.nowMs, 750)
  times.delete(1)
  await clock.tick([1, 2], 4_000) // nothing to do: nobody waits
  assert.equal(clock.nowMs, 1_750)
  assert.equal(clock.pace, 1_750 / 3_000)
})

test('it goes as any other where the system does not say', async () => {
  const clock = new WorkClock(async () => undefined)
  await clock.tick([1], 1_000)
  await clock.tick([1], 3_000)
  assert.deepEqual([clock.nowMs, clock.pace], [2_000, 1])
})

test('Linux says it of this process', { skip: process.platform !== 'linux' }, async () => {
  const clock = new WorkClock()
  await clock.tick([process.pid], 0)
  for (const until = performance.now() + 50; performance.now() < until; );
  await clock.tick([process.pid], 100)
  assert.ok(clock.nowMs > 0 && clock.nowMs <= 100, String(clock.nowMs))
})
