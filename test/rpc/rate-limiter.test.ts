import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RateLimiter } from '../../src/rpc/rate-limiter.ts'
import { ManualClock } from '../peers/manual-clock.ts'

describe('RateLimiter', () => {
  test('lets a burst through, then one each interval', () => {
    const clock = new ManualClock()
    const limiter = new RateLimiter({ perSecond: 10, burst: 3, capacity: 10, clock })
    assert.deepEqual(
      [1, 2, 3].map(() => limiter.take('a')),
      [0, 0, 0]
    )
    assert.equal(limiter.take('a'), 100)
    clock.advance(99)
    assert.equal(limiter.take('a'), 1)
    clock.advance(1)
    assert.equal(limiter.take('a'), 0)
    assert.equal(limiter.take('a'), 100)
  })

  test('a rested key has its whole burst again, and no more', () => {
    const clock = new ManualClock()
    const limiter = new RateLimiter({ perSecond: 10, burst: 2, capacity: 10, clock })
    limiter.take('a')
    limiter.take('a')
    clock.advance(60_000)
    assert.deepEqual(
      [1, 2].map(() => limiter.take('a')),
      [0, 0]
    )
    assert.equal(limiter.take('a'), 100)
  })

  test('what costs more takes more, and what costs more than a burst takes all of it', () => {
    const clock = new ManualClock()
    const limiter = new RateLimiter({ perSecond: 10, burst: 5, capacity: 10, clock })
    assert.equal(limiter.take('a', 4), 0)
    assert.equal(limiter.take('a', 3), 200)
    assert.equal(limiter.take('a', 1), 0, 'what was refused took nothing')
    assert.equal(limiter.take('a', 1_000), 500)
    clock.advance(500)
    assert.equal(limiter.take('a', 1_000), 0)
    assert.equal(limiter.take('a'), 100)
  })

  test('refuses what is no rate, which would let everything through', () => {
    const rest = { capacity: 10, clock: new ManualClock() }
    for (const perSecond of [0, -1, Number.NaN]) {
      assert.throws(() => new RateLimiter({ perSecond, burst: 1, ...rest }), RangeError)
    }
    for (const burst of [0, -1, Number.NaN]) {
      assert.throws(() => new RateLimiter({ perSecond: 1, burst, ...rest }), RangeError)
    }
  })

  test('keys do not share', () => {
    const limiter = new RateLimiter({ perSecond: 1, burst: 1, capacity: 10, clock: new ManualClock() })
    assert.equal(limiter.take('a'), 0)
    assert.equal(limiter.take('b'), 0)
    assert.equal(limiter.take('a'), 1_000)
  })

  test('is bounded: rested keys go first', () => {
    const clock = new ManualClock()
    const limiter = new RateLimiter({ perSecond: 1, burst: 2, capacity: 2, clock })
    limiter.take('older')
    limiter.take('older')
    limiter.take('rested')
    clock.advance(1_500)
    assert.equal(limiter.take('new'), 0)
    assert.equal(limiter.size, 2)
    assert.equal(limiter.take('older'), 0)
    assert.equal(limiter.take('older'), 500, 'it is remembered what it took before')
  })

  test('is bounded: when none has rested the oldest goes', () => {
    const limiter = new RateLimiter({ perSecond: 1, burst: 1, capacity: 2, clock: new ManualClock() })
    for (const key of ['a', 'b', 'c']) assert.equal(limiter.take(key), 0)
    assert.equal(limiter.size, 2)
    assert.equal(limiter.take('b'), 1_000)
    assert.equal(limiter.take('a'), 0)
  })
})
