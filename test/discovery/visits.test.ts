import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerId } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { Visits } from '../../src/discovery/visits.ts'
import type { ConnectedPeer, DialOutcome, Peers } from '../../src/peers/index.ts'
import { makePeers } from '../peers/make-peer.ts'
import { names } from './make-info.ts'

const everyone = await makePeers(230)
const address = multiaddr('/ip4/8.8.8.8/tcp/1')

/** Peers of whom some are connected, each a millisecond longer than the one after. */
function start(
  connected: readonly number[],
  outcome: DialOutcome = 'connected',
  others: ConnectedPeer['direction'] = 'outbound'
) {
  const list = connected.map((number) => everyone[number]).filter((peer) => peer !== undefined)
  const parted: PeerId[] = []
  const peers = {
    connected: () =>
      list
        .map(
          ({ peerId }, i) =>
            ({ peerId, direction: i === 0 ? 'outbound' : others, connectedMs: 1_000 - i }) as unknown as ConnectedPeer
        )
        .toReversed(),
    part: (peerId: PeerId) => void parted.push(peerId),
    dial: async () => outcome
  } as unknown as Peers
  const visits = new Visits(peers)
  const visit = async (...numbers: number[]) => {
    const outcomes: DialOutcome[] = []
    for (const number of numbers) {
      const { peerId } = everyone[number] ?? assert.fail()
      outcomes.push(await visits.dial({ peerId, addresses: [address] }, {}))
    }
    return outcomes
  }
  return { visits, visit, parted: () => names(parted.map((peerId) => ({ peerId }))) }
}

const ids = (...numbers: number[]) => names(numbers.map((number) => everyone[number] ?? assert.fail()))

test('the latest visited are parted from, as far as there are others enough', async () => {
  const { visits, visit, parted } = start([1, 2, 3, 4, 5])
  await visit(2, 4, 5)
  assert.deepEqual(visits.counts, { underWay: 3, begun: 3, parted: 0 })
  visits.end(3, 0)
  assert.deepEqual(parted(), ids(4, 5))
  assert.deepEqual(visits.counts, { underWay: 0, begun: 3, parted: 2 })
})

test('those who dialled us do not stand in for any whom we dial', async () => {
  const { visits, visit, parted } = start([1, 2, 3], 'connected', 'inbound')
  await visit(1)
  visits.end(1, 0)
  assert.deepEqual(parted(), [])
})

test('where there are too few others they stay, and are visited no more', async () => {
  const { visits, visit, parted } = start([1, 2, 3])
  await visit(2, 3)
  visits.end(3, 0)
  visits.end(0, 0)
  assert.deepEqual(parted(), [])
})

test('a visit has its time', async () => {
  const { visits, visit, parted } = start([1, 2, 3])
  await visit(2, 3)
  visits.end(0, 999) // 2 has been connected for 999 ms, 3 for 998
  assert.deepEqual(parted(), ids(2))
  visits.end(0, 0)
  assert.deepEqual(parted(), ids(2, 3))
})

test('who was not reached was not visited', async () => {
  const { visits, visit, parted } = start([1, 2], 'already-connected')
  await visit(2)
  visits.end(0, 0)
  assert.deepEqual(parted(), [])
})

test('so many are visited at a time and no more', async () => {
  const { visits, visit } = start([])
  const outcomes = await visit(...Array.from({ length: 201 }, (_, i) => i))
  assert.deepEqual(outcomes.slice(199), ['connected', 'no-room'])
  visits.end(10, 0)
  assert.deepEqual(await visit(201), ['connected'])
})
