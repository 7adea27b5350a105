import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CachedRows } from '../../examples/ledger/cached-rows.ts'
import { LedgerDatabase } from '../../examples/ledger/ledger-database.ts'
import { createMemoryLevel } from '../../src/storage/memory-store.ts'

const idOf = (number: number) => new Uint8Array(32).fill(number)
const ids = [1, 2, 3, 4].map(idOf)

/** Rows of one byte, of which so many are remembered, and how many have been read. */
async function openRows(capacity: number) {
  const level = createMemoryLevel()
  const database = await LedgerDatabase.open('memory', level)
  let reads = 0
  const getMany = database.getMany.bind(database)
  database.getMany = (keys) => {
    reads += keys.length
    return getMany(keys)
  }
  const encode = (row: number) => Uint8Array.of(row)
  const decode = (stored: Uint8Array) => stored[0] as number
  const rows = new CachedRows<number>({ kind: 'object', absent: 0, encode, decode, capacity })
  const write = async () => {
    await database.write(rows.puts())
    rows.keep()
  }
  return { database, rows, write, reads: () => reads }
}

const valuesOf = (rows: CachedRows<number>) => ids.map((id) => rows.get(id))

test('rows beyond what is remembered are read again, and are what was written', async () => {
  for (const capacity of [1, 2, 100]) {
    const { database, rows, write, reads } = await openRows(capacity)
    for (const round of [1, 2, 3]) {
      await rows.load(database, [...ids, ...ids])
      assert.deepEqual(valuesOf(rows), Array(4).fill(round - 1))
      for (const id of ids) rows.set(id, round)
      assert.deepEqual(valuesOf(rows), Array(4).fill(round))
      await rows.load(database, ids) // a change is seen before it is written
      assert.deepEqual(valuesOf(rows), Array(4).fill(round))
      await write()
    }
    assert.equal(reads(), capacity === 100 ? 4 : 4 + 2 * (4 - capacity), `of which ${capacity} are remembered`)
  }
})

test('dropped changes are not seen and not written', async () => {
  const { database, rows, write } = await openRows(100)
  await rows.load(database, ids)
  for (const id of ids) rows.set(id, 1)
  await write()
  await rows.load(database, ids)
  rows.set(idOf(1), 7)
  rows.drop()
  assert.deepEqual(rows.puts(), [])
  await rows.load(database, ids)
  assert.deepEqual(valuesOf(rows), [1, 1, 1, 1])
})

test('what another has written is read once everything is forgotten', async () => {
  const { database, rows, write } = await openRows(100)
  await rows.load(database, ids)
  rows.set(idOf(1), 1)
  await write()
  rows.set(idOf(1), 5)
  await database.write(rows.puts())
  rows.forget()
  await rows.load(database, ids)
  assert.deepEqual(valuesOf(rows), [5, 0, 0, 0])
})

test('a row that was not loaded is not made up', async () => {
  const { database, rows } = await openRows(100)
  await rows.load(database, ids.slice(0, 2))
  assert.throws(() => rows.get(idOf(3)), RangeError)
})
