import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BanTable } from '../../src/peers/ban-table.ts'
import { WireError } from '../../src/runtime/wire-error.ts'

const ban = (peerId: string, untilMs: number) => ({ peerId, untilMs, reason: 'BLOCK_BAD_SIGNATURE' })

test('a ban holds until its time and not beyond', () => {
  const table = new BanTable(10)
  table.add(ban('a', 100), 0)
  assert.equal(table.has('a', 99), true)
  assert.equal(table.has('a', 100), false)
  assert.equal(table.has('b', 0), false)
})

test('of two bans of a peer the one that ends later holds', () => {
  const table = new BanTable(10)
  table.add(ban('a', 100), 0)
  table.add(ban('a', 50), 0)
  assert.equal(table.has('a', 75), true)
  table.add(ban('a', 200), 0)
  assert.equal(table.has('a', 150), true)
})

test('a full table lifts the ban that ends first', () => {
  const table = new BanTable(2)
  table.add(ban('a', 300), 0)
  table.add(ban('b', 100), 0)
  table.add(ban('c', 200), 0)
  assert.deepEqual(
    table.list(0).map(({ peerId }) => peerId),
    ['a', 'c']
  )
})

test('a full table of expired bans loses one of those first', () => {
  const table = new BanTable(2)
  table.add(ban('a', 300), 0)
  table.add(ban('b', 100), 0)
  table.add(ban('c', 200), 150)
  assert.deepEqual(
    table.list(150).map(({ peerId }) => peerId),
    ['a', 'c']
  )
})

test('a record brings back the bans still in force', () => {
  const table = new BanTable(10)
  table.add(ban('a', 100), 0)
  table.add(ban('b', 200), 0)
  const again = new BanTable(10)
  again.decode(table.encode(0), 150)
  assert.deepEqual(again.list(150), [ban('b', 200)])
})

test('a long reason is cut, between characters', () => {
  const table = new BanTable(10)
  table.add({ ...ban('a', 100), reason: 'é'.repeat(1_000) }, 0)
  const again = new BanTable(10)
  again.decode(table.encode(0), 0)
  assert.match(again.list(0)[0]?.reason ?? '', /^é{62}$/)
})

test('what is not a record is refused', () => {
  assert.throws(() => new BanTable(10).decode(Uint8Array.of(0xff, 0xff), 0), WireError)
})

test('the largest table fits into a record of the store', () => {
  const table = new BanTable(4_000)
  for (let i = 0; i < 4_000; i++) {
    table.add({ peerId: `${i}`.padStart(52, 'x'), untilMs: Number.MAX_SAFE_INTEGER, reason: 'r'.repeat(128) }, 0)
  }
  assert.ok(table.encode(0).byteLength <= 1024 * 1024)
  assert.throws(() => new BanTable(4_001), RangeError)
})
