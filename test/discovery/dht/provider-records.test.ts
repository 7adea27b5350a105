import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { suite, test } from 'node:test'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromMultihash } from '@libp2p/peer-id'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { Key } from 'interface-datastore'
import { create } from 'multiformats/hashes/digest'
import {
  MAX_PROVIDERS,
  MAX_PROVIDERS_OF_SUBNET,
  PROVIDER_VALIDITY_MS,
  ProviderRecords
} from '../../../src/discovery/dht/provider-records.ts'
import { seededRandom } from '../../../src/runtime/random.ts'
import { ManualClock } from '../../peers/manual-clock.ts'

const ADDRESS = multiaddr('/ip4/198.51.100.1/tcp/1')

function randomPeer(): PeerId {
  return peerIdFromMultihash(create(0x12, randomBytes(32)))
}

/** An address in the subnet of that number; none is counted for 0. */
function addressIn(subnet: number): Multiaddr {
  return multiaddr(`/ip4/203.0.${subnet}.1/tcp/1`)
}

function subnetOf(address: Multiaddr): string | undefined {
  const subnet = address.toString().split('.')[2]
  return subnet === '0' ? undefined : subnet
}

function start(init: { self?: PeerId; mayTell?: (peerId: PeerId) => boolean } = {}) {
  const clock = new ManualClock()
  const records = new ProviderRecords({
    self: randomPeer(),
    mayTell: () => true,
    subnetOf,
    clock,
    random: seededRandom(1),
    ...init
  })
  const announce = (peerId: PeerId, subnet = 0) => {
    records.announced({ remotePeer: peerId, remoteAddr: addressIn(subnet) })
    records.put(new Key(`/dht/provider/key/${peerId}`), new Uint8Array(1))
    records.setAddresses(peerId, [ADDRESS])
  }
  const listed = () => records.list().map(({ peerId }) => peerId.toString())
  return { clock, records, announce, listed }
}

suite('records of providers', () => {
  test('are bounded, whoever announces what: the oldest give way', () => {
    const { records, announce } = start()
    const peers = Array.from({ length: 3_000 }, randomPeer)
    for (const peer of peers) announce(peer)
    assert.equal(records.size, MAX_PROVIDERS)
    assert.equal(records.list().length, 20)
    for (const peer of peers.slice(-MAX_PROVIDERS)) assert.ok(records.addressesOf(peer))
  })

  test('of one subnet displace each other only, however many they are', () => {
    const { records, announce } = start()
    const honest = Array.from({ length: MAX_PROVIDERS - MAX_PROVIDERS_OF_SUBNET }, randomPeer)
    for (const [index, peer] of honest.entries()) announce(peer, index % 3 === 0 ? 0 : 1 + (index % 40))
    const kept = honest.filter((peer) => records.addressesOf(peer))
    const flood = Array.from({ length: 3_000 }, randomPeer)
    for (const peer of flood) announce(peer, 100)
    for (const peer of kept) assert.ok(records.addressesOf(peer))
    assert.deepEqual(
      flood.filter((peer) => records.addressesOf(peer)),
      flood.slice(-MAX_PROVIDERS_OF_SUBNET)
    )
  })

  test('of one subnet are no more than its share while there is room, too', () => {
    const { records, announce } = start()
    for (let count = 0; count < 2 * MAX_PROVIDERS_OF_SUBNET; count++) announce(randomPeer(), 1)
    assert.equal(records.size, MAX_PROVIDERS_OF_SUBNET)
  })

  test('of the largest subnet give way when there is no room', () => {
    const { records, announce } = start()
    const alone = Array.from({ length: MAX_PROVIDERS - 30 }, randomPeer)
    const together = Array.from({ length: 30 }, randomPeer)
    for (const peer of alone.slice(0, 500)) announce(peer)
    for (const peer of together) announce(peer, 1)
    for (const peer of alone.slice(500)) announce(peer)
    for (let count = 0; count < 10; count++) announce(randomPeer(), 2 + count)
    assert.equal(records.size, MAX_PROVIDERS)
    for (const peer of [...alone, ...together.slice(10)]) assert.ok(records.addressesOf(peer))
  })

  test('are charged to where they were announced from last', () => {
    const { records, announce } = start()
    const mover = randomPeer()
    announce(mover, 1)
    announce(mover, 2)
    const crowd = Array.from({ length: MAX_PROVIDERS_OF_SUBNET }, randomPeer)
    for (const peer of crowd) announce(peer, 1)
    assert.equal(records.size, MAX_PROVIDERS_OF_SUBNET + 1)
    for (const peer of [...crowd, mover]) assert.ok(records.addressesOf(peer))
  })

  test('are not kept of peers that nobody is seen to announce', () => {
    const { records } = start()
    records.put(new Key(`/dht/provider/key/${randomPeer()}`), new Uint8Array(1))
    assert.equal(records.size, 0)
  })

  test('expire, unless they are announced again', () => {
    const { clock, announce, listed } = start()
    const [old, renewed] = [randomPeer(), randomPeer()]
    announce(old)
    announce(renewed)
    clock.advance(PROVIDER_VALIDITY_MS)
    announce(renewed)
    assert.deepEqual(listed().sort(), [old, renewed].map(String).sort())
    clock.advance(1)
    assert.deepEqual(listed(), [renewed.toString()])
  })

  test('do not hold this node, nor list whom nobody is to know, nor whom nobody may dial', () => {
    const [self, hidden, nowhere] = [randomPeer(), randomPeer(), randomPeer()]
    const { records, announce, listed } = start({ self, mayTell: (peerId) => !peerId.equals(hidden) })
    for (const peer of [self, hidden, nowhere]) announce(peer)
    records.setAddresses(nowhere, [])
    assert.deepEqual(listed(), [])
    assert.equal(records.size, 1)
  })

  test('are drawn at random', () => {
    const { announce, listed } = start()
    for (let count = 0; count < 100; count++) announce(randomPeer())
    assert.notDeepEqual(listed(), listed())
  })

  test('are the only thing that is stored', () => {
    const { records } = start()
    assert.throws(() => records.put(new Key('/dht/record/key'), new Uint8Array(1)), TypeError)
    assert.throws(() => records.get(new Key('/dht/record/key')), { name: 'NotFoundError' })
  })
})
