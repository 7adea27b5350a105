import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { WaitFacts } from '../../src/state-sync/judge-wait.ts'
import { SyncError } from '../../src/state-sync/sync-error.ts'
import type { PeerAnswer } from '../../src/state-sync/sync-wait.ts'
import { WaitWatch } from '../../src/state-sync/wait-watch.ts'
import { ManualClock } from '../peers/manual-clock.ts'
import { randomPeer } from './random-peer.ts'

type Facts = Omit<WaitFacts, 'failures'>
const peer = await randomPeer()
const row = (lowest: number, highest: number) => ({ peer, lowest, highest })

/** A node at commit 10 of 20 that asks a peer which has everything. */
const fetching: Facts = {
  stored: 10,
  takenUpTo: 10,
  halted: undefined,
  storeFailure: undefined,
  isLeftToConsensus: false,
  awaitedCommittee: undefined,
  executor: { position: 10, lead: Number.POSITIVE_INFINITY, failure: undefined },
  connected: 1,
  heights: [row(1, 20)],
  highestKnown: 20,
  lowest: { isCertified: false, peerId: 'QmAsked', bytes: 2_048 }
}

function setUp() {
  const clock = new ManualClock()
  const watch = new WaitWatch(clock)
  const dials: PeerAnswer[] = []
  const look = (changes: Partial<Facts> = {}) => watch.look({ ...fetching, ...changes }, () => dials)
  /** Looks for long enough to be sure. */
  const stand = (changes: Partial<Facts> = {}) => {
    look(changes)
    clock.advance(2_000)
    return look(changes)
  }
  return { clock, watch, dials, look, stand }
}

describe('what a chain that does not come on waits for', () => {
  const causes: [string, Partial<Facts>, RegExp][] = [
    ['no-peers', { connected: 0, heights: [], highestKnown: 0 }, /no peer is connected.*name a seed/],
    ['peers-fail', { heights: [], highestKnown: 0, connected: 3 }, /of 3 peers connected none has said what it has/],
    [
      'no-peer-has-it',
      { heights: [row(1, 10)], highestKnown: 11 },
      /of 1 peer none has commit 11: the furthest is at 10/
    ],
    [
      'pruned-everywhere',
      { heights: [row(15, 20), row(13, 20)] },
      /pruned what lies before commit 13.*trusted checkpoint/
    ],
    ['peers-slow', {}, /commit 11 is being fetched from QmAsked, which has sent 2 KiB/],
    ['peers-fail', { lowest: { isCertified: true, peerId: undefined, bytes: 0 } }, /were asked and do not deliver/],
    [
      'executor-behind',
      { executor: { position: 4, lead: 6, failure: 'no room' } },
      /stands at commit 4.*6 commits ahead.*no room/
    ],
    [
      'committee-awaited',
      { awaitedCommittee: { epoch: 2, commit: 11 } },
      /commit 11 is of epoch 2.*executed commit 10/
    ],
    ['store-failing', { storeFailure: 'ENOSPC' }, /takes nothing: ENOSPC/],
    ['store-slow', { takenUpTo: 12 }, /being written/],
    [
      'halted',
      { halted: new SyncError('SYNC_FORK', 'two chains') },
      /SYNC_FORK: two chains.*another chain.*state-sync\/halt/
    ]
  ]
  for (const [cause, facts, explanation] of causes) {
    it(`is named: ${cause}, as in "${explanation.source}"`, () => {
      const { stand, clock } = setUp()
      const begun = clock.now()
      const wait = stand(facts)
      assert.equal(wait?.cause, cause)
      assert.match(wait.explanation, explanation)
      assert.deepEqual([wait.commit, wait.sinceMs], [11, begun])
    })
  }

  it('is nothing while nothing is lacking, nor while local consensus brings what comes next', () => {
    const { stand } = setUp()
    assert.equal(stand({ highestKnown: 10, heights: [row(1, 10)] }), undefined)
    assert.equal(stand({ isLeftToConsensus: true, connected: 0 }), undefined)
    assert.equal(
      stand({ highestKnown: 10, lowest: { isCertified: true, peerId: undefined, bytes: 0 } })?.cause,
      'peers-fail'
    )
  })

  it('is nothing while the chain comes on, and forgets who was asked as soon as it does', () => {
    const { watch, look, clock } = setUp()
    for (let stored = 10; stored < 20; stored++) {
      watch.failed('QmA', 'RPC_TIMEOUT: no answer')
      assert.equal(look({ stored, takenUpTo: stored }), undefined)
      clock.advance(1_500)
    }
    assert.equal(look({ stored: 20, takenUpTo: 20, highestKnown: 30, heights: [row(1, 30)] }), undefined)
    clock.advance(2_000)
    const wait = look({ stored: 20, takenUpTo: 20, highestKnown: 30, heights: [row(1, 30)] })
    assert.deepEqual([wait?.cause, wait?.asked], ['peers-slow', []])
  })

  it('stands since the chain does, whatever else is lacking meanwhile', () => {
    const { look, stand, clock } = setUp()
    const begun = clock.now()
    stand()
    clock.advance(60_000)
    const wait = look({ connected: 0, heights: [], highestKnown: 0 })
    assert.deepEqual([wait?.cause, wait?.sinceMs], ['no-peers', begun])
  })
})

describe('who was asked', () => {
  it('is told with the last answer of each and how often it came, the newest last, and no more than sixteen', () => {
    const { watch, stand, clock } = setUp()
    watch.failed('QmA', 'RPC_TIMEOUT: no answer')
    watch.failed('QmB', 'RPC_NOT_FOUND: not here')
    clock.advance(1_000)
    watch.failed('QmA', 'RPC_TIMEOUT: no answer')
    const wait = stand()
    assert.equal(wait?.cause, 'peers-fail')
    assert.match(wait.explanation, /last QmA answered RPC_TIMEOUT: no answer \(2 times\)/)
    assert.deepEqual(
      wait.asked.map(({ peerId, answer }) => [peerId, answer]),
      [
        ['QmB', 'RPC_NOT_FOUND: not here'],
        ['QmA', 'RPC_TIMEOUT: no answer (2 times)']
      ]
    )
    for (let other = 0; other < 40; other++) watch.failed(`Qm${other}`, 'x'.repeat(10_000))
    const asked = stand()?.asked ?? []
    assert.equal(asked.length, 16)
    assert.equal(asked.at(-1)?.peerId, 'Qm39')
    assert.ok(asked.every(({ answer }) => answer.length < 300))
  })

  it('says what those have who do not have what is lacking', () => {
    const { watch, stand } = setUp()
    watch.lacks('QmA', 20, 13)
    watch.lacks('QmB', 0, 1)
    watch.failed('QmC', 'RPC_TIMEOUT: no answer')
    watch.lacks('QmC', 9, 1)
    const wait = stand({ heights: [row(13, 20)] })
    assert.equal(wait?.cause, 'pruned-everywhere')
    assert.deepEqual(
      wait.asked.map(({ answer }) => answer),
      ['has commits 13 to 20', 'has no commits', 'RPC_TIMEOUT: no answer']
    )
  })

  it('cannot write into the log or the terminal', () => {
    const { watch, stand } = setUp()
    watch.failed('QmA', 'RPC_INTERNAL: \u001b[2Jgone\nINFO all is well')
    assert.equal(stand()?.asked[0]?.answer, 'RPC_INTERNAL:  [2Jgone INFO all is well')
  })

  it('is who was dialled, where nobody is connected', () => {
    const { dials, stand } = setUp()
    dials.push({ peerId: 'QmA', atMs: 1, answer: '/ip4/192.0.2.1/tcp/1: connect ECONNREFUSED' })
    const wait = stand({ connected: 0, heights: [], highestKnown: 0 })
    assert.match(wait?.explanation ?? '', /1 peer could not be reached.*firewall/)
    assert.deepEqual(wait?.asked, dials)
  })
})
