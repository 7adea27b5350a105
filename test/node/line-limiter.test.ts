import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LineLimiter } from '../../src/node/line-limiter.ts'

test('three of a sort are let through a minute; the next minute begins with how many were not', () => {
  let now = 0
  const limiter = new LineLimiter(() => now)
  assert.deepEqual(
    Array.from({ length: 10 }, () => limiter.admit('a')).map((held) => held ?? 'held'),
    [0, 0, 0, ...Array(7).fill('held')]
  )
  assert.equal(limiter.admit('b'), 0)
  now = 60_000
  assert.deepEqual([limiter.admit('a'), limiter.admit('a'), limiter.admit('b')], [7, 0, 0])
})

test('however many sorts there are, it holds no more than a few hundred', () => {
  const limiter = new LineLimiter(() => 0)
  for (let times = 0; times < 4; times++) limiter.admit('first')
  for (let sort = 0; sort < 300; sort++) limiter.admit(String(sort))
  assert.equal(limiter.admit('first'), 0)
})
