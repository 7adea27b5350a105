import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { suite, test } from 'node:test'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromMultihash } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { Key } from 'interface-datastore'
import { create } from 'multiformats/hashes/digest'
import { MAX_PROVIDERS, PROVIDER_VALIDITY_MS, ProviderRecords } from '../../../src/discovery/dht/provider-records.ts'
import { seededRandom } from '../../../src/runtime/random.ts'
import { ManualClock } from '../../peers/manual-clock.ts'

const ADDRESS = multiaddr('/ip4/198.51.100.1/tcp/1')

function randomPeer(): PeerId {
  return peerIdFromMultihash(create(0x12, randomBytes(32)))
}

function start(init: { self?: PeerId; mayTell?: (peerId: PeerId) => boolean } = {}) {
  const clock = new ManualClock()
  const records = new ProviderRecords({
    self: randomPeer(),
    mayTell: () => true,
    clock,
    random: seededRandom(1),
    ...init
  })
  const announce = (peerId: PeerId) => {
    records.put(new Key(`/dht/provider/key/${peerId}`), new Uint8Array(1))
    records.setAddresses(peerId, [ADDRESS])
  }
  const listed = () => records.list().map(({ peerId }) => peerId.toString())
  return { clock, records, announce, listed }
}

suite('records of providers', () => {
  test('are bounded, whoever announces what: the oldest give way', () => {
    const { records, announce } = start()
    const peers = Array.from({ length: 10_000 }, randomPeer)
    for (const peer of peers) announce(peer)
    assert.equal(records.size, MAX_PROVIDERS)
    assert.equal(records.list().length, 20)
    for (const peer of peers.slice(-MAX_PROVIDERS)) assert.ok(records.addressesOf(peer))
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
