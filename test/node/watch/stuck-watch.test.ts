import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { StuckWatch } from '../../../src/node/watch/stuck-watch.ts'
import type { SyncWait } from '../../../src/state-sync/index.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const wait: SyncWait = {
  cause: 'peers-fail',
  commit: 11,
  sinceMs: 0,
  explanation: 'nobody delivers',
  asked: [{ peerId: 'QmA', atMs: 0, answer: 'RPC_TIMEOUT: no answer' }]
}

function setUp() {
  const watch = new StuckWatch(10 * SECOND)
  let now = 0
  /** Looks each second for a while: what was told, and when, in seconds. */
  const look = (milliseconds: number, waiting: SyncWait | 'nothing' = wait, stored = 10) => {
    const told: { second: number; kind: string; text: string; level: string }[] = []
    for (const end = now + milliseconds; now < end; now += SECOND) {
      const event = watch.look(waiting === 'nothing' ? undefined : waiting, stored, now, now)
      if (event !== undefined) told.push({ second: now / SECOND, ...event })
    }
    return told
  }
  return { look }
}

describe('a stuck sync', () => {
  it('is told after ten seconds, with cause, peers and answers, and then after 1, 5, 15 and 60 minutes, and each hour', () => {
    const { look } = setUp()
    const told = look(200 * MINUTE)
    assert.deepEqual(
      told.map(({ second }) => second),
      [10, 70, 310, 910, 3_610, 7_210, 10_810]
    )
    assert.equal(
      told[0]?.text,
      'the sync stands before commit 11 for 10 s (peers-fail): nobody delivers; asked: QmA: RPC_TIMEOUT: no answer'
    )
    assert.match(told[2]?.text ?? '', /for 5 min 10 s/)
    assert.ok(told.every(({ kind, level }) => kind === 'stuck' && level === 'warn'))
  })

  it('is not told when it is over before', () => {
    const { look } = setUp()
    assert.deepEqual(look(9 * SECOND), [])
    assert.deepEqual(look(MINUTE, 'nothing', 11), [])
    assert.deepEqual(look(9 * SECOND, { ...wait, sinceMs: 69 * SECOND }), [])
  })

  it('goes on when nothing is lacking for a while, which is told once, with how long it stood', () => {
    const { look } = setUp()
    assert.equal(look(30 * SECOND).length, 1)
    const told = look(MINUTE, 'nothing', 20)
    assert.deepEqual(
      told.map(({ kind, text }) => [kind, text]),
      [['going-on', 'the sync goes on, at commit 20: it stood for 30 s']]
    )
  })

  it('is the same that is fed a commit now and then: that makes no lines', () => {
    const { look } = setUp()
    const told = [...look(20 * SECOND)]
    for (let commit = 12; commit < 20; commit++) {
      told.push(...look(SECOND, 'nothing', commit - 1))
      told.push(...look(5 * SECOND, { ...wait, commit, sinceMs: 0 }, commit - 1))
    }
    assert.deepEqual(
      told.map(({ second }) => second),
      [10]
    )
  })

  it('is told anew when another cause has held for ten seconds, and not when causes come and go', () => {
    const { look } = setUp()
    const other: SyncWait = { ...wait, cause: 'no-peers', explanation: 'nobody is here', asked: [] }
    assert.deepEqual(
      [...look(6 * SECOND), ...look(6 * SECOND, other)].map(({ second }) => second),
      [10],
      'it stands all the same'
    )
    const told: { second: number; text: string }[] = []
    for (let turn = 0; turn < 4; turn++) told.push(...look(4 * SECOND), ...look(4 * SECOND, other))
    assert.deepEqual(told, [])
    assert.match(look(12 * SECOND)[0]?.text ?? '', /peers-fail/)
  })

  it('has halted: that is told at once, as an error', () => {
    const { look } = setUp()
    const [told] = look(SECOND, { ...wait, cause: 'halted', explanation: 'halted by SYNC_FORK: two chains', asked: [] })
    assert.deepEqual(
      [told?.kind, told?.level, told?.text],
      ['halted', 'error', 'the sync has halted by SYNC_FORK: two chains']
    )
  })
})
