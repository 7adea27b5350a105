import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatCount, formatSeconds, formatTable } from '../../examples/devnet/format.ts'
import { OutputTail } from '../../examples/devnet/output-tail.ts'
import { StallWatch } from '../../examples/devnet/stall-watch.ts'
import { SyncRate } from '../../src/node/watch/sync-rate.ts'

const at = (commits: number) => ({
  highestSynced: commits,
  highestExecuted: 0,
  commits,
  blocks: commits * 4,
  bytes: commits * 1000,
  bytesInFlight: 0,
  peers: 1
})

test('the speed of a sync is that of its last three seconds', () => {
  const rate = new SyncRate()
  assert.equal(rate.speed.blocksPerSecond, 0)
  rate.add(at(0), 0)
  assert.equal(rate.speed.blocksPerSecond, 0)
  rate.add(at(10), 1_000)
  assert.deepEqual(rate.speed, { commitsPerSecond: 10, blocksPerSecond: 40, bytesPerSecond: 10_000 })
  for (let second = 2; second <= 10; second++) rate.add(at(10), second * 1_000)
  assert.equal(rate.speed.commitsPerSecond, 0)
})

test('what stays the same for too long has stalled, until it changes', () => {
  let now = 0
  const watch = new StallWatch<number>(100, () => now)
  assert.equal(watch.isStalled(1), false)
  now = 100
  assert.equal(watch.isStalled(1), false)
  now = 101
  assert.equal(watch.isStalled(1), true)
  assert.equal(watch.isStalled(2), false)
})

test('of what a process prints the end is kept', () => {
  const tail = new OutputTail()
  tail.add(Buffer.from(`${'x'.repeat(5_000)}\n`))
  tail.add(Buffer.from('the end\n'))
  assert.match(tail.text, /x\nthe end$/)
  assert(tail.text.length <= 4_096)
})

test('numbers are written for people', () => {
  assert.deepEqual(
    [1, 4_000].map((count) => formatCount(count, 'node')),
    ['1 node', '4,000 nodes']
  )
  assert.deepEqual([0.418, 12.4, 59.7, 200, 7_260, Number.POSITIVE_INFINITY].map(formatSeconds), [
    '0.42 s',
    '12 s',
    '1 min 0 s',
    '3 min 20 s',
    '2 h 1 min',
    '-'
  ])
  assert.equal(
    formatTable(
      ['node', 'height'],
      [
        ['a', 1_000],
        ['bcdef', 7]
      ]
    ),
    'node   height\na       1,000\nbcdef       7'
  )
})
