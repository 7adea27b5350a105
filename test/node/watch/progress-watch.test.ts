import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProgressWatch } from '../../../src/node/watch/progress-watch.ts'

const SECOND = 1_000

function setUp() {
  const watch = new ProgressWatch()
  let now = 0
  /** Looks each second at a node that syncs so many commits a second. */
  const look = (seconds: number, from: number, perSecond: number, isBehind = true) =>
    Array.from({ length: seconds }, (_, second) => {
      now += SECOND
      const commits = from + second * perSecond
      const synced = { commits, blocks: commits * 4, bytes: commits * 1024 ** 2 }
      const view = { highestSynced: commits, highestKnown: 10_000, synced, connected: 3 }
      return watch.look(view, isBehind, now)
    }).filter((event) => event !== undefined)
  return { look }
}

test('a node that is behind tells every ten seconds how far it is, how fast, and how long it will take', () => {
  const { look } = setUp()
  const told = look(31, 0, 100)
  assert.deepEqual(
    told.map(({ text }) => text),
    [
      'catching up: commit 1000 of 10000 (10.0 %), 100 commits/s, 400 blocks/s, 100.0 MiB/s, 3 peers, 1 min 30 s left',
      'catching up: commit 2000 of 10000 (20.0 %), 100 commits/s, 400 blocks/s, 100.0 MiB/s, 3 peers, 1 min 20 s left',
      'catching up: commit 3000 of 10000 (30.0 %), 100 commits/s, 400 blocks/s, 100.0 MiB/s, 3 peers, 1 min 10 s left'
    ]
  )
  assert.deepEqual(told[0]?.data, { commit: 1_000, highestKnown: 10_000, commitsPerSecond: 100, secondsLeft: 90 })
})

test('it says nothing at the tip, and begins anew when it is behind again', () => {
  const { look } = setUp()
  assert.deepEqual(look(60, 0, 100, false), [])
  assert.equal(look(10, 6_000, 100).length, 0)
  assert.equal(look(1, 7_000, 100).length, 1)
})

test('what does not gain on the chain has no time left', () => {
  const { look } = setUp()
  assert.match(look(25, 500, 0).at(-1)?.text ?? '', /0\.0 commits\/s, .* not gaining$/)
})
