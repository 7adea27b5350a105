import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerId } from '@libp2p/interface'
import type { Exchanges } from '../../src/discovery/exchanges.ts'
import { Turns } from '../../src/discovery/turns.ts'
import type { Peers } from '../../src/peers/index.ts'
import { seededRandom } from '../../src/runtime/random.ts'
import { makePeers } from '../peers/make-peer.ts'
import { ManualClock } from '../peers/manual-clock.ts'

const names = new Map((await makePeers(12)).map(({ peerId }, index) => [peerId.toString(), { peerId, index }]))
const ids = [...names.values()].map(({ peerId }) => peerId)
const range = (count: number) => Array.from({ length: count }, (_, index) => index)

/** Turns among peers that go by their numbers. */
function make({ connected = [] as number[], seeds = [] as number[], seed = 1 }) {
  const clock = new ManualClock()
  const unavailable = new Set<number>()
  let asked: number[] = []
  let present = connected
  const indexOf = (peerId: PeerId) => names.get(peerId.toString())?.index ?? Number.NaN
  const turns = new Turns({
    config: { discoveryIntervalMs: 5_000, peersPerTick: 5 },
    clock,
    random: seededRandom(seed),
    peers: {
      connected: () => present.map((index) => ({ peerId: ids[index] })),
      isAvailable: (peerId: PeerId) => !unavailable.has(indexOf(peerId))
    } as unknown as Peers,
    known: { isFrom: (source, peerId) => source === 'seed' && seeds.includes(indexOf(peerId)) },
    exchanges: { ask: (peerId: PeerId) => asked.push(indexOf(peerId)), retain: () => {} } as unknown as Exchanges
  })
  /** A tick and the turns until the next; says who was asked. */
  const tick = () => {
    asked = []
    turns.tick()
    for (let turn = 1; turn < 5; turn++) {
      clock.advance(1_000)
      turns.take()
    }
    clock.advance(1_000)
    return asked
  }
  tick() // five of the first round
  const come = (index: number) => {
    present = [...present, index]
  }
  const leave = (index: number) => {
    present = present.filter((other) => other !== index)
  }
  return { turns, clock, unavailable, tick, come, leave, asked: () => asked }
}

const sorted = (indexes: readonly number[]) => indexes.toSorted((a, b) => a - b)

test('one is asked at a time, five from one tick to the next, nobody twice before everybody once', () => {
  const { tick } = make({ connected: range(10) })
  tick()
  for (let round = 0; round < 5; round++) assert.deepEqual(sorted([...tick(), ...tick()]), range(10))
})

test('the order is a matter of chance, in each round and for each node', () => {
  const orders = new Set<string>()
  for (let seed = 1; seed <= 4; seed++) {
    const { tick } = make({ connected: range(10), seed })
    tick()
    for (let round = 0; round < 4; round++) orders.add([...tick(), ...tick()].join())
  }
  assert.equal(orders.size, 16)
})

test('turns that were missed are taken at once, but never more than those of a tick', () => {
  const { turns, clock, asked, tick } = make({ connected: range(12) })
  tick()
  turns.tick()
  clock.advance(3_000)
  turns.take()
  assert.equal(asked().length, 5 + 1 + 3)
  clock.advance(60_000)
  turns.tick()
  assert.equal(asked().length, 5 + 1 + 3 + 5)
})

test('where there are fewer than five, each is asked once from one tick to the next', () => {
  const { tick } = make({ connected: range(3) })
  for (let i = 0; i < 3; i++) assert.deepEqual(sorted(tick()), range(3))
})

test('seeds have no turn while five others could have it', () => {
  const { tick, leave, unavailable } = make({ connected: range(7), seeds: [0, 1] })
  for (let i = 0; i < 4; i++) assert.deepEqual(sorted(tick()), [2, 3, 4, 5, 6])
  unavailable.add(6)
  assert.ok([...tick(), ...tick()].some((index) => index < 2))
  unavailable.delete(6)
  assert.ok(!tick().some((index) => index < 2))
  for (const index of [3, 4, 5, 6]) leave(index)
  assert.deepEqual(sorted(tick()), [0, 1, 2])
})

test('one that was asked because it is new has had its turn in this round', () => {
  const { turns, tick, come } = make({ connected: range(10) })
  come(10)
  turns.asked(ids[10] as PeerId)
  assert.ok(!tick().includes(10))
  assert.ok([...tick(), ...tick(), ...tick()].includes(10))
})

test('one in backoff has its turn when it answers again', () => {
  const { tick, unavailable } = make({ connected: range(10) })
  tick()
  unavailable.add(3)
  assert.ok(![...tick(), ...tick()].includes(3))
  unavailable.delete(3)
  assert.ok([...tick(), ...tick()].includes(3))
})

test('one that was asked, went and came back untold has another turn in the same round', () => {
  for (let seed = 1; seed <= 8; seed++) {
    const { asked, tick, leave, come } = make({ connected: range(12), seed })
    const [first] = asked() as [number]
    leave(first)
    tick()
    come(first)
    assert.ok(tick().includes(first), `seed ${seed}`)
  }
})

test('who was asked in turn and told of others gives the next its turn at once, up to five from one tick to the next', () => {
  const { turns, asked, tick } = make({ connected: range(12) })
  tick()
  const before = asked().length
  turns.tick()
  for (let i = 0; i < 9; i++) turns.learned(ids[asked().at(-1) ?? 0] as PeerId)
  assert.equal(asked().length - before, 5)
})

test('what an answer out of turn tells hurries nobody', () => {
  const { turns, come, asked, tick } = make({ connected: range(10) })
  tick()
  turns.tick()
  const before = asked().length
  come(10)
  turns.asked(ids[10] as PeerId)
  turns.learned(ids[10] as PeerId)
  assert.equal(asked().length, before)
})
