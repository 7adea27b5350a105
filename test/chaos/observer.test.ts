import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Observer, type Recovery } from './observer.ts'

const look = (highestExecuted: number) => ({
  highestSynced: highestExecuted,
  highestExecuted,
  epoch: 0,
  peers: {},
  unwell: [],
  residentBytes: 1
})

test('a node is back when it has what the network had as its fault ended', () => {
  const recoveries: Recovery[] = []
  const observer = new Observer((recovery) => recoveries.push(recovery))
  observer.saw('a', 1, look(10), 0)
  observer.ended('b', 'slow', 100)
  observer.saw('a', 1, look(20), 500)
  observer.saw('b', 1, look(9), 1_000)
  assert.deepEqual(
    observer.recovering.map(({ node }) => node),
    ['b']
  )
  observer.saw('b', 1, look(10), 1_600)
  assert.deepEqual(recoveries, [{ node: 'b', kind: 'slow', ms: 1_500 }])
  assert.deepEqual(observer.recovering, [])
})

test('a node that goes down comes back from that, and not from what was before', () => {
  const observer = new Observer(() => undefined)
  observer.saw('a', 1, look(10), 0)
  observer.ended('b', 'slow', 100)
  observer.wentDown('b')
  assert.deepEqual(observer.recovering, [])
  observer.ended('b', 'kill', 200)
  assert.deepEqual(
    observer.recovering.map(({ kind }) => kind),
    ['kill']
  )
})

test('the worst ten seconds and the longest standstill are found', () => {
  const observer = new Observer(() => undefined)
  for (const [second, index] of [10, 20, 30, 33, 34, 50].entries()) observer.saw('a', 1, look(index), second * 5_000)
  assert.equal(observer.lowestProgress, 4)
  observer.saw('a', 1, look(50), 32_000)
  assert.equal(observer.standstills.a, 7_000)
  observer.chainRests()
  observer.saw('a', 1, look(50), 60_000)
  assert.deepEqual([observer.lowestProgress, observer.standstills.a, observer.longestPause], [4, 7_000, 7_000])
})

test('a pause is known while it lasts, and how each node was seen last', () => {
  const observer = new Observer(() => undefined)
  observer.saw('a', 1, look(10), 1_000)
  observer.saw(
    'a',
    1,
    { ...look(11), highestSynced: 12, peers: { '12D3KooWpeer': '1..13' }, unwell: ['storage degraded: full'] },
    2_000
  )
  observer.saw('b', 1, look(9), 5_000)
  assert.equal(observer.pauseAt(7_000), 5_000)
  assert.equal(observer.lastSeen('a'), 'executed 11 of 12, in epoch 0; peers peer 1..13; storage degraded: full')
  assert.equal(observer.lastSeen('b'), 'executed 9 of 9, in epoch 0; peers none; well')
  assert.equal(observer.lastSeen('c'), 'was not seen yet')
  observer.chainRests()
  assert.equal(observer.pauseAt(60_000), 0)
})

test('what a process holds is known by its life, and the most that was resident', () => {
  const observer = new Observer(() => undefined)
  observer.saw('a', 1, { ...look(1), residentBytes: 7 }, 0)
  observer.weighed('a', 1, { anonymousBytes: 5, heapBytes: 3 }, 10)
  observer.saw('a', 1, { ...look(1), residentBytes: 6 }, 20)
  observer.saw('a', 2, look(1), 30)
  const [first, second] = observer.lives
  assert.deepEqual(first, { node: 'a', held: [{ atMs: 10, bytes: 5 }], heap: [{ atMs: 10, bytes: 3 }], mostBytes: 7 })
  assert.equal(second?.mostBytes, 1)
})

test('a pause is measured by the time that the nodes had for their work as well', () => {
  const observer = new Observer(() => undefined)
  observer.saw('a', 1, look(1), 0, 0)
  observer.saw('a', 1, look(1), 30_000, 3_000)
  observer.saw('a', 1, look(2), 40_000, 13_000)
  observer.saw('a', 1, look(2), 50_000, 14_000)
  assert.deepEqual([observer.longestPause, observer.longestPauseOfWork], [30_000, 3_000])
})
