import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { multiaddr } from '@multiformats/multiaddr'
import { KnownPeers, type KnownPeersInit } from '../../src/discovery/known-peers.ts'
import { seededRandom } from '../../src/runtime/random.ts'
import { makePeers, type TestPeer } from '../peers/make-peer.ts'
import { HOUR, makeInfo, NOW, names } from './make-info.ts'

const SEED = 11
const peers = await makePeers(40)
const peer = (number: number): TestPeer => peers[number] as TestPeer
const [alice, bob, carol] = [peer(0), peer(1), peer(2)]

function make({
  capacity = 1_000,
  connected = [] as TestPeer[],
  ...rest
}: { capacity?: number; connected?: TestPeer[] } & Partial<KnownPeersInit> = {}) {
  const isConnected = new Set(names(connected))
  return new KnownPeers({
    ...rest,
    capacity,
    random: seededRandom(SEED),
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

test('no introducer exceeds a fifth of the table: what it goes on to tell displaces what it told before', async () => {
  const known = make({ capacity: 20 })
  for (let i = 3; i < 6; i++) known.learn(await makeInfo(peer(i)), alice.peerId)
  for (let i = 6; i < 40; i++) known.learn(await makeInfo(peer(i)), bob.peerId)
  const left = new Set(names(known.infos()))
  assert.equal(left.size, 3 + 4)
  assert.ok(left.has(peer(39).peerId.toString()), 'the last told is there')
  for (let i = 3; i < 6; i++) assert.ok(left.has(peer(i).peerId.toString()), `seed ${SEED}: peer ${i} is of another`)
})

test('many introducers of one group share a quota', async () => {
  const known = make({ capacity: 20, introducerOf: () => 'subnet' })
  for (let i = 3; i < 40; i++) known.learn(await makeInfo(peer(i)), peer(i).peerId)
  assert.equal(known.infos().length, 4)
})

test('in a full table the introducer of the most makes room', async () => {
  const known = make({ capacity: 15 })
  const introduce = async (introducer: TestPeer, from: number, count: number) => {
    for (let i = from; i < from + count; i++) known.learn(await makeInfo(peer(i)), introducer.peerId)
  }
  await introduce(alice, 3, 3)
  for (let i = 6; i < 18; i++) await introduce(peer(i), i, 1)
  assert.equal(known.infos().length, 15)
  for (let i = 18; i < 20; i++) await introduce(peer(i), i, 1)
  const left = new Set(names(known.infos()))
  assert.equal([3, 4, 5].filter((i) => left.has(peer(i).peerId.toString())).length, 1)
})

test('no subnet exceeds a twentieth of the table, whoever introduces', async () => {
  const known = make({ capacity: 40, subnetOf: (address) => address.toString().split('.')[2] })
  const learn = async (i: number, subnet: number) => {
    const addresses = [`/ip4/8.8.${subnet}.8/tcp/${i + 1}`]
    return known.learn(await makeInfo(peer(i), { addresses }), peer(i).peerId)
  }
  for (let i = 3; i < 10; i++) await learn(i, i)
  for (let i = 10; i < 40; i++) await learn(i, 200)
  assert.equal(known.infos().length, 7 + 2)
})

test('nor does one whose peers move into it', async () => {
  const known = make({ capacity: 40, subnetOf: (address) => address.toString().split('.')[2] })
  const learn = async (i: number, subnet: number, timestampMs: number) => {
    const addresses = [`/ip4/8.8.${subnet}.8/tcp/${i + 1}`]
    return known.learn(await makeInfo(peer(i), { addresses, timestampMs }), peer(i).peerId)
  }
  for (let i = 0; i < 10; i++) await learn(i, i, NOW - 1)
  for (let i = 0; i < 10; i++) await learn(i, 200, NOW)
  assert.equal(known.infos().filter(({ addresses }) => addresses[0]?.toString().includes('.200.')).length, 2)
})

test('peers whom we have met make no room for those whom others tell of', async () => {
  const known = make({ capacity: 10 })
  for (let i = 0; i < 5; i++) known.learn(await makeInfo(peer(i)), peer(i).peerId)
  for (let i = 5; i < 40; i++) known.learn(await makeInfo(peer(i)), peer(i % 5).peerId)
  assert.equal(known.infos().length, 10)
  for (let i = 0; i < 5; i++) assert.ok(known.newest(peer(i).peerId.toString()), `${i} of seed ${SEED}`)
  for (let i = 5; i < 10; i++) known.learn(await makeInfo(peer(i)), peer(i).peerId)
  assert.ok(
    [5, 6, 7, 8, 9].every((i) => known.isMet(peer(i).peerId)),
    'but for others whom we meet'
  )
})

test('a newer info does not make its bearer the introducer', async () => {
  const [older, newer] = [await makeInfo(peer(6), { timestampMs: NOW - 1 }), await makeInfo(peer(6))]
  const known = make({ capacity: 5 })
  known.learn(older, alice.peerId)
  known.learn(newer, bob.peerId)
  assert.equal(known.get(peer(6).peerId)?.introducer, alice.peerId.toString())
  known.learn(await makeInfo(peer(7)), bob.peerId)
  assert.ok(known.newest(peer(6).peerId.toString()), 'it is not bob, whose quota is one, who makes room for it')
})

test('connected peers and those that the operator or the chain names are never given up', async () => {
  const known = make({ capacity: 5, connected: [alice] })
  known.setSource('committee', [{ peerId: bob.peerId, addresses: at('/ip4/8.8.8.8/tcp/1') }])
  known.learn(await makeInfo(alice), carol.peerId)
  assert.equal(known.learn(await makeInfo(bob), carol.peerId), 'full')
  known.learn(await makeInfo(bob), bob.peerId)
  for (let i = 3; i < 6; i++) known.learn(await makeInfo(peer(i)), peer(i).peerId)
  for (let i = 6; i < 40; i++) known.learn(await makeInfo(peer(i)), peer(i).peerId)
  assert.equal(known.infos().length, 5)
  for (const kept of [alice, bob]) assert.ok(known.newest(kept.peerId.toString()))
})

test('what the DHT tells is a quarter as much again, in a table of its own, and fades in an hour', () => {
  const known = make({ capacity: 40 })
  const find = (i: number, from: TestPeer) =>
    known.find({ peerId: peer(i).peerId, addresses: at(`/ip4/8.8.8.8/tcp/${i + 1}`), from: from.peerId }, NOW)
  for (let i = 3; i < 13; i++) assert.equal(find(i, alice), true)
  assert.equal(known.list().length, 2, 'a fifth of it from one who told')
  for (let i = 13; i < 40; i++) find(i, peer(i))
  assert.equal(known.list().length, 10)
  assert.ok(known.list().every(({ source, info }) => source === 'dht' && info === undefined))
  known.expire(NOW + HOUR)
  assert.equal(known.list().length, 10)
  known.expire(NOW + HOUR + 1)
  assert.equal(known.list().length, 0)
})

suite('where the DHT says that a peer is', () => {
  const told = (known: KnownPeers) =>
    known.get(alice.peerId)?.addresses.map((address) => address.toString().split('/').at(-1))
  const tell = (known: KnownPeers, from: TestPeer, ports: number[], now = NOW) => {
    const addresses = ports.map((port) => multiaddr(`/ip4/1.1.1.1/tcp/${port}`))
    return known.find({ peerId: alice.peerId, addresses, from: from.peerId }, now)
  }

  test('is kept by who says so: each replaces its own only, and all take turns', () => {
    const known = make()
    assert.equal(tell(known, bob, [10, 11]), true)
    assert.equal(tell(known, carol, [20, 21, 22, 23, 24, 25]), false)
    assert.deepEqual(told(known), ['10', '20', '11', '21', '22', '23'])
    tell(known, carol, [26, 10])
    assert.deepEqual(told(known), ['10', '26', '11'])
    tell(known, bob, [12])
    assert.deepEqual(told(known), ['12', '26', '10'])
    tell(known, bob, [])
    assert.deepEqual(told(known), ['12', '26', '10'], 'who names none says nothing')
  })

  test('is one word of many tellers of one subnet', () => {
    const known = make({ introducerOf: () => 'subnet' })
    for (let i = 0; i < 10; i++) tell(known, peer(i), [i + 1])
    assert.deepEqual(told(known), ['10'])
  })

  test('is heard of four, and of a fifth only once one of them has grown old', () => {
    const known = make()
    for (let i = 1; i <= 4; i++) tell(known, peer(i), [i], NOW + i)
    tell(known, peer(5), [5], NOW + HOUR)
    assert.deepEqual(told(known), ['1', '2', '3', '4'])
    tell(known, peer(2), [6], NOW + HOUR)
    tell(known, peer(5), [5], NOW + HOUR + 2)
    assert.deepEqual(told(known), ['6', '3', '4', '5'])
  })

  test('fades by teller', () => {
    const known = make()
    tell(known, bob, [1], NOW)
    tell(known, carol, [2], NOW + 1)
    known.expire(NOW + HOUR)
    assert.deepEqual(told(known), ['1', '2'])
    known.expire(NOW + HOUR + 1)
    assert.deepEqual(told(known), ['2'])
    known.expire(NOW + HOUR + 2)
    assert.equal(known.get(alice.peerId), undefined)
  })

  test('moves to no subnet that is full of others by what a second teller says', () => {
    const known = make({ capacity: 80, subnetOf: (address) => address.toString().split('.')[2] })
    const find = (i: number, subnet: number, from: TestPeer) =>
      known.find({ peerId: peer(i).peerId, addresses: at(`/ip4/8.8.${subnet}.8/tcp/1`), from: from.peerId }, NOW)
    for (let i = 1; i < 10; i++) find(i, i, peer(i))
    for (let i = 1; i < 10; i++) find(i, 200, alice)
    assert.equal(known.list().length, 9, 'a second teller pushes nobody out')
  })
})

test('a peer that gossip knows is not new to us when the DHT names it, and keeps both addresses', async () => {
  const known = make()
  known.learn(await makeInfo(alice, { addresses: ['/ip4/1.1.1.1/tcp/1'] }), bob.peerId)
  assert.equal(known.find({ peerId: alice.peerId, addresses: at('/ip4/1.1.1.1/tcp/2'), from: bob.peerId }, NOW), false)
  assert.deepEqual(known.get(alice.peerId)?.addresses.map(String), ['/ip4/1.1.1.1/tcp/1', '/ip4/1.1.1.1/tcp/2'])
  assert.equal(known.get(alice.peerId)?.source, 'gossip')
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
  known.setSource('cache', [{ peerId: alice.peerId, addresses: at('/ip4/1.1.1.1/tcp/6') }])
  assert.equal(known.get(alice.peerId)?.source, 'cache')
  known.setSource('seed', [{ peerId: alice.peerId, addresses: at('/ip4/1.1.1.1/tcp/5') }])
  assert.equal(known.get(alice.peerId)?.source, 'seed')
  known.find({ peerId: alice.peerId, addresses: at('/ip4/1.1.1.1/tcp/4'), from: bob.peerId }, NOW)
  assert.equal(known.get(alice.peerId)?.source, 'dht')
  known.learn(await makeInfo(alice, { addresses: ['/ip4/1.1.1.1/tcp/3', '/ip4/1.1.1.1/tcp/2'] }), bob.peerId)
  assert.equal(known.get(alice.peerId)?.source, 'gossip')
  known.setSource('committee', [{ peerId: alice.peerId, addresses: at('/ip4/1.1.1.1/tcp/2') }])
  known.setSource('configured', [{ peerId: alice.peerId, addresses: at('/ip4/1.1.1.1/tcp/1') }])
  const whole = known.get(alice.peerId)
  assert.equal(whole?.source, 'configured')
  assert.deepEqual(
    whole?.addresses.map(String),
    [1, 2, 3, 4, 5, 6].map((port) => `/ip4/1.1.1.1/tcp/${port}`)
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
