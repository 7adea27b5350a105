import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { type DialPlanInput, isIsolated, planDials } from '../../src/discovery/dial-plan.ts'
import type { AddressSource, KnownPeer } from '../../src/discovery/known-peer.ts'
import { seededRandom } from '../../src/runtime/random.ts'
import { makePeers } from '../peers/make-peer.ts'
import { names } from './make-info.ts'

const SEED = 3
const peers = await makePeers(60)
const from = (source: AddressSource, start: number, count: number, more: Partial<KnownPeer> = {}): KnownPeer[] =>
  peers.slice(start, start + count).map(({ peerId }, i) => ({
    peerId,
    source,
    addresses: [multiaddr(`/ip4/8.8.${start + i}.8/tcp/1`)],
    info: undefined,
    introducer: peerId.toString(),
    ...more
  }))

const isOneOf = (list: readonly KnownPeer[]) => (peerId: KnownPeer['peerId']) =>
  list.some((peer) => peer.peerId.equals(peerId))

const subnetOf = (address: Multiaddr) => address.toString().split('.').slice(0, 3).join('.')

const plan = (input: Partial<DialPlanInput>, seed = SEED) =>
  planDials({
    known: [],
    isKept: () => false,
    isOutsideTarget: () => false,
    taken: 0,
    outbound: 0,
    target: 20,
    limit: 20,
    random: seededRandom(seed),
    canDial: () => true,
    subnetOf: () => undefined,
    hasRoomAt: () => true,
    ...input
  })

test('dialling stops at the target, peers connected and being dialled counted', () => {
  const known = from('gossip', 0, 30)
  assert.equal(plan({ known }).others.length, 20)
  assert.equal(plan({ known, taken: 17, outbound: 17 }).others.length, 3)
  assert.equal(plan({ known, taken: 25, outbound: 25 }).others.length, 0)
})

test('half of the target is dialled however many have dialled us', () => {
  const known = from('gossip', 0, 30)
  assert.equal(plan({ known, taken: 90, outbound: 0 }).others.length, 10)
  assert.equal(plan({ known, taken: 90, outbound: 7 }).others.length, 3)
  assert.equal(plan({ known, taken: 90, outbound: 10 }).others.length, 0)
})

test('no more are dialled at once than the limit', () => {
  assert.equal(plan({ known: from('gossip', 0, 30), limit: 5 }).others.length, 5)
  assert.equal(plan({ known: from('gossip', 0, 30), limit: -3 }).others.length, 0)
})

test('kept peers are dialled whatever the target, and count unless they are outside it', () => {
  const configured = from('configured', 0, 3)
  const gossip = from('gossip', 10, 10)
  const known = [...gossip, ...configured]
  const isKept = isOneOf(configured)
  assert.deepEqual(names(plan({ known, isKept, taken: 25, outbound: 25, limit: 0 }).kept), names(configured))
  assert.equal(plan({ known, isKept, taken: 25, outbound: 25 }).others.length, 0)
  assert.equal(plan({ known, isKept, target: 5 }).others.length, 2)
  assert.equal(plan({ known, isKept, target: 5, isOutsideTarget: isKept }).others.length, 5)
})

test('seeds are dialled only where a node would be isolated without', () => {
  const seeds = from('seed', 0, 2)
  const others = [...from('gossip', 10, 3), ...from('committee', 20, 3)]
  assert.deepEqual(names(plan({ known: [...seeds, ...others] }).others), names(others))
  assert.deepEqual(
    names(plan({ known: [...seeds, ...from('dht', 30, 2)] }).others),
    names([...seeds, ...from('dht', 30, 2)])
  )
  assert.deepEqual(names(plan({ known: seeds }).others), names(seeds))
  assert.deepEqual(plan({ known: seeds, taken: 5, outbound: 5 }).others, [])
  assert.deepEqual(names(plan({ known: seeds, taken: 5, outbound: 5, company: 4 }).others), names(seeds))
  const invented = from('gossip', 30, 20, { introducer: 'one' })
  assert.ok(seeds.every(({ peerId }) => isOneOf(plan({ known: [...seeds, ...invented] }).others)(peerId)))
})

test('a quarter of the target is the least that does not isolate', () => {
  assert.equal(isIsolated(4, 20), true)
  assert.equal(isIsolated(5, 20), false)
  assert.equal(isIsolated(0, 1), true)
  assert.equal(isIsolated(0, 0), false)
})

test('who cannot be dialled, has no address or no room in its subnet takes no place', () => {
  const known = from('gossip', 0, 6)
  const [first, second, third] = known
  const nowhere = known.map((peer) => (peer === second ? { ...peer, addresses: [] } : peer))
  const { others } = plan({
    known: nowhere,
    target: 4,
    canDial: (peerId) => !(first?.peerId.equals(peerId) ?? false),
    hasRoomAt: (address) => !(third?.addresses[0]?.equals(address) ?? false)
  })
  assert.deepEqual(names(others), names(known.slice(3)))
})

test('who introduced many is drawn from no more often than who introduced one', () => {
  const many = from('gossip', 0, 50, { introducer: 'flooder' })
  const few = from('gossip', 50, 10)
  for (let seed = 0; seed < 20; seed++) {
    const drawn = plan({ known: [...many, ...few], target: 11 }, seed).others
    assert.equal(drawn.filter(isDrawnFrom(many)).length, 1, `seed ${seed}`)
  }
})

test('at most one of a subnet is dialled at a time', () => {
  const near = from('gossip', 0, 20, { addresses: [multiaddr('/ip4/1.1.1.1/tcp/1')] })
  const far = from('gossip', 20, 3)
  const drawn = plan({ known: [...near, ...far], subnetOf }).others
  assert.equal(drawn.filter(isDrawnFrom(near)).length, 1)
  assert.equal(drawn.filter(isDrawnFrom(far)).length, 3)
})

test('the choice is random', () => {
  const known = from('gossip', 0, 50)
  const choices = new Set([1, 2, 3, 4, 5].map((seed) => names(plan({ known, target: 5 }, seed).others).join()))
  assert.equal(choices.size, 5)
})

function isDrawnFrom(list: readonly KnownPeer[]): (peer: KnownPeer) => boolean {
  const isIn = isOneOf(list)
  return ({ peerId }) => isIn(peerId)
}
