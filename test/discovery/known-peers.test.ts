import assert from 'node:assert/strict'
import { test } from 'node:test'
import { multiaddr } from '@multiformats/multiaddr'
import { KnownPeers } from '../../src/discovery/known-peers.ts'
import { seededRandom } from '../../src/runtime/random.ts'
import { makePeers, type TestPeer } from '../peers/make-peer.ts'
import { HOUR, makeInfo, NOW, names } from './make-info.ts'

const SEED = 11
const peers = await makePeers(40)
const peer = (number: number): TestPeer => peers[number] as TestPeer
const [alice, bob, carol] = [peer(0), peer(1), peer(2)]

function make({ capacity = 1_000, connected = [] as TestPeer[], seed = SEED } = {}) {
  const isConnected = new Set(names(connected))
  return new KnownPeers({
    capacity,
    random: seededRandom(seed),
    isConnected: (peerId) => isConnected.has(peerId.toString())
  })
}

const at = (text: string) => [multiaddr(text)]

test('the newest info of a peer wins, whatever the order, and a replay changes nothing', async () => {
  const [older, newer] = [await makeInfo(alice, { timestampMs: NOW - 1 }), await makeInfo(alice)]
  const known = make()
  assert.equal(known.learn(older, bob.peerId), 'new')
  assert.equal(known.learn(newer, bob.peerId), 'newer')
  assert.equal(known.learn(older, bob.peerId), 'old')
  assert.equal(known.learn(newer, bob.peerId), 'old')
  assert.equal(known.newest(alice.peerId.toString()), NOW)
  assert.deepEqual(known.infos(), [newer])
})

test('a full table has room for a newer info of a known peer', async () => {
  const known = make({ capacity: 1 })
  known.learn(await makeInfo(alice, { timestampMs: NOW - 1 }), bob.peerId)
  assert.equal(known.learn(await makeInfo(alice), bob.peerId), 'newer')
  assert.equal(known.infos().length, 1)
})

test('who introduced the most makes room, so that nobody fills the table alone', async () => {
  const known = make({ capacity: 20 })
  for (let i = 3; i < 8; i++) known.learn(await makeInfo(peer(i)), alice.peerId)
  for (let i = 8; i < 40; i++) known.learn(await makeInfo(peer(i)), bob.peerId)
  assert.equal(known.infos().length, 20)
  const left = new Set(names(known.infos()))
  for (let i = 3; i < 8; i++)
    assert.ok(left.has(peer(i).peerId.toString()), `seed ${SEED}: peer ${i} was introduced by another`)
})

test('a newer info does not make its bearer the introducer', async () => {
  const older = await Promise.all([3, 4, 5].map((i) => makeInfo(peer(i), { timestampMs: NOW - 1 })))
  const [ours, another] = [await makeInfo(peer(6)), await makeInfo(peer(7))]
  const newer = await Promise.all([3, 4, 5].map((i) => makeInfo(peer(i))))
  for (let seed = 0; seed < 20; seed++) {
    const known = make({ capacity: 4, seed })
    for (const info of older) known.learn(info, bob.peerId)
    known.learn(ours, alice.peerId)
    for (const info of newer) known.learn(info, alice.peerId)
    known.learn(another, carol.peerId)
    assert.ok(known.newest(peer(6).peerId.toString()), `seed ${seed}: bob, who introduced three, makes room`)
  }
})

test('connected peers and those of a fixed source are never given up', async () => {
  const known = make({ capacity: 2, connected: [alice] })
  known.setSource('committee', [{ peerId: bob.peerId, addresses: at('/ip4/8.8.8.8/tcp/1') }])
  known.learn(await makeInfo(alice), carol.peerId)
  known.learn(await makeInfo(bob), carol.peerId)
  assert.equal(known.learn(await makeInfo(peer(5)), carol.peerId), 'full')
  assert.deepEqual(names(known.infos()), names([alice, bob]))
})

test('infos that have become too old are forgotten, those of connected peers are not', async () => {
  const known = make({ connected: [alice] })
  known.learn(await makeInfo(alice), carol.peerId)
  known.learn(await makeInfo(bob), carol.peerId)
  known.expire(NOW + 24 * HOUR)
  assert.deepEqual(names(known.infos()), names([alice, bob]))
  known.expire(NOW + 24 * HOUR + 1)
  assert.deepEqual(names(known.infos()), names([alice]))
})

test('addresses of all sources are tried in the order of trust, each once', async () => {
  const known = make()
  known.setSource('seed', [{ peerId: alice.peerId, addresses: at('/ip4/1.1.1.1/tcp/4') }])
  known.learn(await makeInfo(alice, { addresses: ['/ip4/1.1.1.1/tcp/3', '/ip4/1.1.1.1/tcp/2'] }), bob.peerId)
  assert.equal(known.get(alice.peerId)?.source, 'gossip')
  known.setSource('committee', [{ peerId: alice.peerId, addresses: at('/ip4/1.1.1.1/tcp/2') }])
  known.setSource('configured', [{ peerId: alice.peerId, addresses: at('/ip4/1.1.1.1/tcp/1') }])
  const whole = known.get(alice.peerId)
  assert.equal(whole?.source, 'configured')
  assert.deepEqual(
    whole?.addresses.map(String),
    [1, 2, 3, 4].map((port) => `/ip4/1.1.1.1/tcp/${port}`)
  )
  assert.equal(known.list().length, 1)
})

test('setting a source replaces what it had', () => {
  const known = make()
  known.setSource('committee', [{ peerId: alice.peerId, addresses: [] }])
  known.setSource('committee', [{ peerId: bob.peerId, addresses: [] }])
  assert.deepEqual(names(known.list()), names([bob]))
  assert.equal(known.isFrom('committee', alice.peerId), false)
  assert.equal(known.isFrom('committee', bob.peerId), true)
  assert.equal(known.get(alice.peerId), undefined)
})
