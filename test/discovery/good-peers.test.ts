import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { PeerId } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { GoodPeerRecord } from '../../src/discovery/good-peer-record.ts'
import { type GoodPeer, GoodPeers } from '../../src/discovery/good-peers.ts'
import { makePeers, type TestPeer } from '../peers/make-peer.ts'
import { ManualClock } from '../peers/manual-clock.ts'
import { NOW, names } from './make-info.ts'
import { startDiscovery, until } from './start-discovery.ts'

const peers = await makePeers(260)
const good = (number: number, more: Partial<GoodPeer> = {}): GoodPeer => ({
  peerId: (peers[number] as TestPeer).peerId,
  addresses: [multiaddr(`/ip4/8.8.8.8/tcp/${number + 1}`)],
  isDialled: false,
  seenMs: NOW,
  sealed: undefined,
  ...more
})

/** Records in memory, whose writes and reads may be made to fail. */
class Records {
  readonly stored = new Map<string, Uint8Array>()
  writes = 0
  failure: Error | undefined

  async getRecord(name: string): Promise<Uint8Array | undefined> {
    if (this.failure !== undefined) throw this.failure
    return this.stored.get(name)
  }

  async setRecord(name: string, value: Uint8Array): Promise<void> {
    if (this.failure !== undefined) throw this.failure
    this.writes += 1
    this.stored.set(name, value)
  }
}

function open(records = new Records(), clock = new ManualClock(NOW)) {
  const failures: string[] = []
  const record = new GoodPeerRecord({ records, clock, onFailure: ({ message }) => failures.push(message) })
  return { record, records, clock, failures }
}

test('what is written is read again', async () => {
  const { record, records } = open()
  const sealed = new Uint8Array([1, 2, 3])
  record.note([good(1, { isDialled: true, sealed }), good(2)])
  await record.flush()
  const [first, second, ...rest] = await open(records).record.load()
  assert.deepEqual(rest, [])
  assert.ok(first?.peerId.equals(good(1).peerId) && second?.peerId.equals(good(2).peerId))
  assert.deepEqual(first?.addresses.map(String), ['/ip4/8.8.8.8/tcp/2'])
  assert.deepEqual(first?.sealed, sealed)
  assert.deepEqual([first?.isDialled, second?.isDialled, second?.sealed], [true, false, undefined])
})

test('of too many, those stay that we dialled, then those seen last', () => {
  const found = new GoodPeers()
  for (let i = 0; i < 150; i++) found.note([good(i, { seenMs: NOW + i })])
  for (let i = 150; i < 250; i++) found.note([good(i, { isDialled: true, seenMs: NOW - i })])
  const left = new Set(names(found.list()))
  assert.equal(left.size, 200)
  for (let i = 150; i < 250; i++) assert.ok(left.has(good(i).peerId.toString()))
  for (let i = 50; i < 150; i++) assert.ok(left.has(good(i).peerId.toString()))
})

suite('of one subnet', () => {
  /** The hundreds of a peer's number are its subnet; those below a hundred are in none. */
  const subnetOf = (peerId: PeerId) => {
    const number = peers.findIndex((peer) => peer.peerId.equals(peerId))
    return number < 100 ? undefined : `subnet ${Math.floor(number / 100)}`
  }
  const numbers = (found: GoodPeers) =>
    found
      .list()
      .map(({ peerId }) => peers.findIndex((peer) => peer.peerId.equals(peerId)))
      .sort((a, b) => a - b)
  const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index)

  test('ten are remembered: those that we dialled, then those seen last', () => {
    const found = new GoodPeers({ subnetOf })
    found.note(range(0, 30).map((i) => good(i, { seenMs: NOW - 1_000 })))
    found.note(range(100, 103).map((i) => good(i, { isDialled: true, seenMs: NOW - 500 })))
    for (const i of range(103, 200)) found.note([good(i, { seenMs: NOW + i })])
    assert.deepEqual(numbers(found), [...range(0, 30), ...range(100, 103), ...range(193, 200)])
    found.note(range(200, 260).map((i) => good(i, { isDialled: true, seenMs: NOW - i })))
    assert.deepEqual(numbers(found), [...range(0, 30), ...range(100, 103), ...range(193, 200), ...range(200, 210)])
  })

  test('no more are remembered after a restart, though nobody is connected yet', () => {
    const before = new GoodPeers({ subnetOf })
    before.note(range(100, 110).map((i) => good(i, { seenMs: NOW })))
    const connected = new Set(range(110, 115).map((i) => good(i).peerId.toString()))
    const after = new GoodPeers({
      subnetOf: (peerId) => (connected.has(peerId.toString()) ? subnetOf(peerId) : undefined)
    })
    after.decode(before.encode())
    after.note(range(100, 110).map((i) => good(i))) // whose connections have just gone
    after.note(range(110, 115).map((i) => good(i, { seenMs: NOW + 1 })))
    assert.equal(after.list().length, 10)
    assert.ok(range(110, 115).every((i) => numbers(after).includes(i)))
  })

  test('is who is connected from there, whatever addresses it names', async (context) => {
    const records = new Records()
    const node = await startDiscovery(context, {
      records,
      peersInit: {
        subnetOf: (address) => address.getComponents()[0]?.value
      }
    })
    const other = await startDiscovery(context, { seeds: node.addresses, announce: ['/ip4/127.0.0.9/tcp/9'] })
    const stored = () => {
      const found = new GoodPeers()
      const bytes = records.stored.get('discovery/good-peers')
      if (bytes !== undefined) found.decode(bytes)
      return found.list().find(({ peerId }) => peerId.equals(other.node.peerId))
    }
    await until(context, () => stored() !== undefined)
    assert.deepEqual(stored()?.addresses.map(String), ['/ip4/127.0.0.9/tcp/9'])
    assert.equal(stored()?.subnet, '127.0.0.1')
  })
})

test('who was dialled once has a proven address, also when it dials us later', () => {
  const found = new GoodPeers()
  found.note([good(1, { isDialled: true })])
  found.note([good(1, { seenMs: NOW + 1 })])
  assert.deepEqual(
    found.list().map(({ isDialled, seenMs }) => [isDialled, seenMs]),
    [[true, NOW + 1]]
  )
})

test('a record never exceeds what a store takes', () => {
  const found = new GoodPeers()
  const sealed = new Uint8Array(12 * 1024)
  const addresses = [1, 2, 3, 4, 5, 6, 7, 8].map((i) => multiaddr(`/dns4/${'a'.repeat(60)}.${i}.example/tcp/1`))
  for (let i = 0; i < 200; i++) found.note([good(i, { sealed, addresses })])
  const record = found.encode()
  assert.ok(record.byteLength < 1024 * 1024)
  const again = new GoodPeers()
  again.decode(record)
  assert.ok(again.list().length > 50)
})

test('it is written when there is somebody new, and else once a minute', async () => {
  const { record, records, clock } = open()
  const note = async (...noted: GoodPeer[]) => {
    record.note(noted)
    await record.flush()
    return records.writes
  }
  assert.equal(await note(), 0, 'nobody to write of')
  assert.equal(await note(good(1)), 1)
  assert.equal(await note(good(1, { seenMs: NOW + 1 })), 1)
  assert.equal(await note(good(1), good(2)), 2)
  clock.advance(59_999)
  assert.equal(await note(good(1)), 2)
  clock.advance(1)
  assert.equal(await note(good(1)), 3)
})

test('a store that fails is told of, and nothing else comes of it', async () => {
  const { record, records, failures } = open()
  records.failure = new Error('the disk is gone')
  assert.deepEqual(await record.load(), [])
  record.note([good(1)])
  await record.flush()
  assert.deepEqual(failures, ['the disk is gone', 'the disk is gone'])
})

test('a damaged record, or a damaged entry, is told of or left out', async () => {
  const { record, records, failures } = open()
  records.stored.set('discovery/good-peers', new Uint8Array([0xff, 1, 2]))
  assert.deepEqual(await record.load(), [])
  assert.equal(failures.length, 1)
  const found = new GoodPeers()
  const bytes = new GoodPeers()
  bytes.note([good(1), good(2, { addresses: [multiaddr('/ip4/8.8.8.8/udp/7')] })])
  found.decode(bytes.encode())
  assert.deepEqual(names(found.list()), names([good(1)]))
})
