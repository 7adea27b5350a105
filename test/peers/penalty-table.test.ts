import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PenaltyTable } from '../../src/peers/penalty-table.ts'
import { ManualClock } from './manual-clock.ts'

function make() {
  const clock = new ManualClock()
  return { clock, table: new PenaltyTable({ clock, halfLifeMs: 1_000, capacity: 2 }) }
}

test('penalties add up', () => {
  const { table } = make()
  assert.deepEqual([table.add('a'), table.add('a'), table.add('b')], [1, 2, 1])
})

test('a penalty counts half after its half-life', () => {
  const { clock, table } = make()
  table.add('a')
  table.add('a')
  clock.advance(1_000)
  assert.equal(table.points('a'), 1)
  assert.equal(table.add('a'), 2)
})

test('a half-life that is none is refused', () => {
  for (const halfLifeMs of [0, -1, Number.NaN]) {
    assert.throws(() => new PenaltyTable({ clock: new ManualClock(), halfLifeMs, capacity: 2 }), RangeError)
  }
})

test('cleared penalties are gone', () => {
  const { table } = make()
  table.add('a')
  table.clear('a')
  assert.equal(table.points('a'), 0)
})

test('peers beyond the capacity push out the one penalised longest ago', () => {
  const { table } = make()
  for (const key of ['a', 'b', 'c']) table.add(key)
  assert.deepEqual(
    ['a', 'b', 'c'].map((key) => table.points(key)),
    [0, 1, 1]
  )
})
