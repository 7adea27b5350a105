import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Backoff } from '../../src/peers/backoff.ts'
import { seededRandom } from '../../src/runtime/random.ts'
import { ManualClock } from './manual-clock.ts'

const always = (value: number) => ({ next: () => value })

function make(random = always(1)) {
  const clock = new ManualClock()
  const backoff = new Backoff({ clock, random, baseMs: 1_000, maxMs: 8_000, capacity: 2 })
  const wait = (key: string) => Math.max(0, backoff.until(key) - clock.monotonic())
  /** Fails once more as soon as it is tried again. */
  const failAgain = (key: string) => {
    clock.advance(wait(key))
    backoff.failed(key)
  }
  return { clock, backoff, wait, failAgain }
}

test('each failure in a row doubles the wait, up to the longest', () => {
  const { backoff, wait, failAgain } = make()
  const waits = [1, 2, 3, 4, 5].map(() => {
    failAgain('a')
    return wait('a')
  })
  assert.deepEqual(waits, [1_000, 2_000, 4_000, 8_000, 8_000])
  assert.equal(backoff.failures('a'), 5)
})

test('failures of what was begun before the wait count once', () => {
  const { clock, backoff, wait, failAgain } = make()
  for (let i = 0; i < 10; i++) backoff.failed('a')
  assert.equal(wait('a'), 1_000)
  assert.equal(backoff.failures('a'), 1)
  clock.advance(400)
  backoff.failed('a')
  assert.equal(wait('a'), 600)
  backoff.failed('a', 5_000)
  assert.equal(wait('a'), 5_000, 'but for a wait that the other side asks for')
  failAgain('a')
  assert.equal(wait('a'), 2_000)
})

test('the wait is drawn from the upper half of its range', () => {
  const seed = 7
  const { backoff, wait } = make(seededRandom(seed))
  const waits = new Set<number>()
  for (let i = 0; i < 50; i++) {
    backoff.failed('a')
    waits.add(wait('a'))
    backoff.succeeded('a')
  }
  assert.ok(
    [...waits].every((milliseconds) => milliseconds >= 500 && milliseconds <= 1_000),
    `seed ${seed}`
  )
  assert.ok(waits.size > 40, `seed ${seed}: the waits differ`)
})

test('a success ends the wait and forgets the failures', () => {
  const { backoff, wait, failAgain } = make()
  backoff.failed('a')
  failAgain('a')
  backoff.succeeded('a')
  assert.equal(wait('a'), 0)
  backoff.failed('a')
  assert.equal(wait('a'), 1_000)
})

test('the wait ends by itself, and its failures still count when the next comes soon', () => {
  const { clock, backoff, wait } = make()
  backoff.failed('a')
  clock.advance(1_000)
  assert.equal(backoff.until('a'), 0)
  backoff.failed('a')
  assert.equal(wait('a'), 2_000)
})

test('failures are forgotten after a long time without one', () => {
  const { clock, backoff, wait, failAgain } = make()
  for (let i = 0; i < 4; i++) failAgain('a')
  clock.advance(8_000 + 8_000 + 1)
  backoff.failed('a')
  assert.equal(wait('a'), 1_000)
})

test('a wait that the other side asks for is believed up to the longest', () => {
  const { backoff, wait } = make()
  backoff.failed('a', 3_000)
  assert.equal(wait('a'), 3_000)
  backoff.failed('b', 3_600_000)
  assert.equal(wait('b'), 8_000)
})

test('a shorter wait never cuts a longer one short', () => {
  const { backoff, wait } = make()
  backoff.failed('a', 8_000)
  backoff.failed('a')
  assert.equal(wait('a'), 8_000)
})

test('keys beyond the capacity push out the one that failed longest ago', () => {
  const { backoff, wait } = make()
  for (const key of ['a', 'b', 'a', 'c']) backoff.failed(key)
  assert.deepEqual(['a', 'b', 'c'].map(wait), [1_000, 0, 1_000])
})
