import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseEvicted, type Evictable } from '../../src/peers/choose-evicted.ts'
import { seededRandom } from '../../src/runtime/random.ts'

interface Peer extends Evictable {
  readonly name: string
}

const inbound = (name: string, bytesPerMinute = 0, isProtected = false): Peer => ({
  name,
  direction: 'inbound',
  bytesPerMinute,
  isProtected
})
const outbound = (name: string, bytesPerMinute = 0, isProtected = false): Peer => ({
  ...inbound(name, bytesPerMinute, isProtected),
  direction: 'outbound'
})

function evicted(peers: readonly Peer[], newcomer = peers.at(-1), outboundReserve = 0, seed = 1): string | undefined {
  return chooseEvicted(peers, newcomer, { outboundReserve, random: seededRandom(seed) })?.name
}

test('who delivered least a minute goes, whoever came last', () => {
  assert.equal(evicted([inbound('a', 300), inbound('b', 100), outbound('c', 200), inbound('d', 400)]), 'b')
  assert.equal(evicted([inbound('a', 300), inbound('b', 100), outbound('c', 50), inbound('d', 400)]), 'c')
})

test('the newcomer is one of those who may go', () => {
  assert.equal(evicted([inbound('a', 3), inbound('b', 1), inbound('newcomer')]), 'newcomer')
})

test('ties are broken at random, over all who are tied and nobody else', () => {
  const peers = [inbound('a'), inbound('b', 0.2), outbound('c'), inbound('d', 9), inbound('e')]
  const counts = new Map<string | undefined, number>()
  for (let seed = 0; seed < 1_000; seed++) {
    const name = evicted(peers, peers.at(-1), 0, seed)
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  assert.deepEqual([...counts.keys()].sort(), ['a', 'b', 'c', 'e'], 'less than a byte is nothing')
  for (const [name, count] of counts) assert.ok(count > 180 && count < 320, `${name}: ${count} of 1000, seeds 0 to 999`)
})

test('the protected stay, though all of the rest have to go', () => {
  assert.equal(evicted([inbound('a', 0, true), inbound('b', 500), outbound('c', 0, true)]), 'b')
  assert.equal(evicted([inbound('a', 0, true), outbound('c', 0, true)]), undefined)
})

test('an inbound newcomer pushes out no outbound peer of the reserve', () => {
  const peers = [outbound('a'), outbound('b'), inbound('c', 500), inbound('newcomer', 400)]
  assert.equal(evicted(peers, peers.at(-1), 2), 'newcomer')
  const full = [outbound('a'), outbound('b'), inbound('chosen', 0, true)]
  assert.equal(evicted(full, full.at(-1), 2), undefined, 'not even a protected one')
})

test('outbound peers beyond the reserve are like the others', () => {
  const peers = [outbound('a'), outbound('b', 1), outbound('c', 2), inbound('newcomer', 400)]
  assert.equal(evicted(peers, peers.at(-1), 2), 'a')
})

test('a peer that we dialled takes the place of an inbound one while the reserve is not full', () => {
  const peers = [outbound('a'), inbound('b', 500), inbound('c', 400), outbound('newcomer')]
  assert.equal(evicted(peers, peers.at(-1), 2), 'c')
})

test('when all are of the reserve, one that we dialled makes another go', () => {
  const peers = [outbound('a', 2), outbound('b', 1), outbound('newcomer', 3)]
  assert.equal(evicted(peers, peers.at(-1), 10), 'b')
})
