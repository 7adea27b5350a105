import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FadingRate } from '../../src/peers/fading-rate.ts'
import { ManualClock } from './manual-clock.ts'

const MINUTE = 60_000

function start(capacity = 10) {
  const clock = new ManualClock()
  return { clock, rate: new FadingRate({ clock, halfLifeMs: 5 * MINUTE, capacity }) }
}

test('whoever brings as much every minute comes to that rate', () => {
  const { clock, rate } = start()
  for (let second = 0; second < 3_600; second++) {
    rate.add('a', 1_000)
    clock.advance(1_000)
  }
  const measured = rate.perMinute('a')
  assert.ok(Math.abs(measured - 60_000) < 600, String(measured))
})

test('what was brought counts half after the half-life', () => {
  const { clock, rate } = start()
  rate.add('a', 1_000_000)
  const before = rate.perMinute('a')
  clock.advance(5 * MINUTE)
  assert.ok(Math.abs(rate.perMinute('a') - before / 2) < 1e-6)
  rate.add('a', 1_000_000)
  assert.ok(Math.abs(rate.perMinute('a') - before * 1.5) < 1e-6)
})

test('who brought nothing has no rate', () => {
  assert.equal(start().rate.perMinute('a'), 0)
})

test('no more peers are remembered than there is room for', () => {
  const { rate } = start(2)
  for (const key of ['a', 'b', 'c']) rate.add(key, 1_000)
  assert.deepEqual(
    ['a', 'b', 'c'].map((key) => rate.perMinute(key) > 0),
    [false, true, true]
  )
})
