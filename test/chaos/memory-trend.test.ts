import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryTrend } from './memory-trend.ts'

const MIB = 1024 * 1024
const samples = (sizeAt: (minute: number) => number) =>
  Array.from({ length: 61 }, (_, at) => ({ atMs: 5_000 + at * 10_000, bytes: sizeAt(at / 6) * MIB }))

test('growth is the slope, whatever it swings about', () => {
  const trend = memoryTrend(samples((minute) => 100 + 3 * minute + (Math.round(minute * 6) % 2)))
  assert.ok(trend !== undefined && Math.abs(trend.growthMiBPerMinute - 3) < 0.1, JSON.stringify(trend))
  assert.equal(trend.minutes, 10)
})

test('what fills in the first third of a life is no growth', () => {
  assert.equal(memoryTrend(samples((minute) => 100 + Math.min(minute, 3) * 20))?.growthMiBPerMinute, 0)
})

test('what comes and goes is no growth of the floor, and what stays is', () => {
  const sawtooth = (minute: number) => (minute % 2.5) * 40
  assert.deepEqual(memoryTrend(samples((minute) => 200 + sawtooth(minute)))?.floorsMiB, [200, 200])
  const [before, after] = memoryTrend(samples((minute) => 200 + 15 * minute + sawtooth(minute)))?.floorsMiB ?? [0, 0]
  assert.ok(after > before * 1.1, `${before} to ${after}`)
})

test('a short life says nothing', () => assert.equal(memoryTrend(samples(() => 1).slice(0, 12)), undefined))
