import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgeMemory } from './judge-memory.ts'
import { memoryTrend } from './memory-trend.ts'

const MIB = 1024 * 1024

/** What is found of a process that holds so much at each minute. */
function findings(minutes: number, heldAt: (minute: number) => number, mostMiB = 300): string[] {
  const samples = Array.from({ length: minutes * 3 + 1 }, (_, at) => ({
    atMs: at * 20_000,
    bytes: heldAt(at / 3) * MIB
  }))
  const trend = memoryTrend(samples)
  assert.ok(trend !== undefined)
  return judgeMemory({ node: 'a', held: trend, heap: trend, mostMiB })
}

test('a process that warms up, and whose allocator keeps what it needed once, does not grow', () => {
  const warm = (minute: number) => 100 + 8 * (1 - Math.exp(-minute / 2)) + (minute > 6 ? 9 : 0) + (minute % 1) * 2
  assert.deepEqual(findings(10, warm), [])
  assert.deepEqual(findings(60, warm), [])
})

test('a leak is found: 5 MiB a minute in ten minutes, less than one in an hour', () => {
  const leak = (perMinute: number) => (minute: number) => 100 + perMinute * minute + (minute % 1) * 2
  assert.match(
    findings(10, leak(5)).join(),
    /the memory of a grew: it never held under 117 MiB, and then never under 135/
  )
  assert.equal(findings(60, leak(0.7)).length, 1)
})

test('so is a process that takes more than it ever should', () => {
  assert.deepEqual(
    findings(10, () => 100, 900),
    ['a took 900 MiB of memory']
  )
})
