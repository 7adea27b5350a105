import assert from 'node:assert/strict'
import { test } from 'node:test'
import { multiaddr } from '@multiformats/multiaddr'
import { FailedDials } from '../../src/peers/failed-dials.ts'
import { makePeer, makePeers } from './make-peer.ts'
import { ManualClock } from './manual-clock.ts'

const addresses = (count: number) =>
  Array.from({ length: count }, (_, at) => multiaddr(`/ip4/192.0.2.${at + 1}/tcp/9000`))

test('a failed dial says where it went and how each address failed, until the peer is reached', async () => {
  const clock = new ManualClock()
  const dials = new FailedDials(clock)
  const { peerId: peer } = await makePeer(0)
  const refused = new AggregateError([new Error('refused'), new Error('refused'), new Error('no route')], 'all failed')
  dials.add(peer, addresses(5), refused)
  assert.deepEqual(dials.list(), [
    {
      peerId: peer,
      atMs: clock.now(),
      reason: '/ip4/192.0.2.1/tcp/9000, /ip4/192.0.2.2/tcp/9000, /ip4/192.0.2.3/tcp/9000 and 2 more: refused; no route'
    }
  ])
  dials.add(peer, addresses(1), Object.assign(new Error('The operation was aborted'), { name: 'TimeoutError' }))
  assert.deepEqual(
    dials.list().map(({ reason }) => reason),
    ['/ip4/192.0.2.1/tcp/9000: no answer in time']
  )
  dials.forget(peer)
  assert.deepEqual(dials.list(), [])
})

test('of many failed dials the last sixteen are remembered', async () => {
  const dials = new FailedDials(new ManualClock())
  const peers = (await makePeers(20)).map(({ peerId }) => peerId)
  for (const peer of peers) dials.add(peer, addresses(1), new Error('refused'))
  assert.deepEqual(
    dials.list().map(({ peerId }) => peerId),
    peers.slice(4)
  )
})
