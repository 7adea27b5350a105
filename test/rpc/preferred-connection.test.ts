import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Connection, PeerId } from '@libp2p/interface'
import { byPreference, isSmaller } from '../../src/rpc/preferred-connection.ts'
import { makePeers } from '../peers/make-peer.ts'

const [x, y] = (await makePeers(2)).map(({ peerId }) => peerId)
if (x === undefined || y === undefined) throw new Error('no peers')
const [small, large] = isSmaller(x, y) ? [x, y] : [y, x]

interface Dial {
  readonly by: PeerId
  readonly at: number
  readonly status?: Connection['status']
}

/** The dials between the two in the order of preference, as one of them sees it. */
function order(own: PeerId, dials: readonly Dial[]): number[] {
  const remotePeer = own === small ? large : small
  const connections = dials.map(
    ({ by, at, status = 'open' }) =>
      ({ remotePeer, status, direction: by === own ? 'outbound' : 'inbound', timeline: { open: at } }) as Connection
  )
  return byPreference(own, connections).map((connection) => connections.indexOf(connection))
}

function assertBoth(dials: readonly Dial[], expected: number[]): void {
  for (const own of [small, large]) assert.deepEqual(order(own, dials), expected)
}

test('of two ids exactly one is smaller', () => {
  assert.equal(isSmaller(small, large), true)
  assert.equal(isSmaller(large, small), false)
})

test('of two dials that crossed, both sides prefer that of the smaller id, whichever came first', () => {
  assertBoth(
    [
      { by: small, at: 0 },
      { by: large, at: 5 }
    ],
    [0, 1]
  )
  assertBoth(
    [
      { by: large, at: 0 },
      { by: small, at: 5 }
    ],
    [1, 0]
  )
})

test('of two dials far apart, both sides prefer the newer, for the older is dead to the one who dialled', () => {
  assertBoth(
    [
      { by: small, at: 0 },
      { by: large, at: 60_000 }
    ],
    [1, 0]
  )
  assertBoth(
    [
      { by: large, at: 60_000 },
      { by: small, at: 0 }
    ],
    [0, 1]
  )
})

test('of two dials by the same peer, both sides prefer the newer', () => {
  for (const by of [small, large])
    assertBoth(
      [
        { by, at: 0 },
        { by, at: 5 }
      ],
      [1, 0]
    )
})

test('connections that are not open are left out', () => {
  assertBoth(
    [
      { by: small, at: 0, status: 'closing' },
      { by: large, at: 5 }
    ],
    [1]
  )
  assertBoth([{ by: small, at: 0, status: 'closed' }], [])
  assertBoth([], [])
})
