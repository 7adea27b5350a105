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
