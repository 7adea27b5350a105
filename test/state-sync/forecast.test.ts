import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { expectedMs, isLagging } from '../../src/state-sync/forecast.ts'

const LEFT = { requests: 2, bytes: 100_000 }
const FALLBACK_MS = 1_500

describe('expectedMs', () => {
  it('is the latency of each request, and the bytes at the rate', () => {
    assert.equal(expectedMs({ latencyMs: 50, bytesPerSecond: 1_000_000, hasAnswered: true }, LEFT, 1), 200)
    assert.equal(expectedMs({ latencyMs: 50, bytesPerSecond: undefined, hasAnswered: true }, LEFT, 100_000), 1_100)
  })
})

describe('isLagging', () => {
  it('is twice what it should take, by whoever is the quicker', () => {
    const expected = { wholeMs: 1_000, restMs: 1_000 }
    assert.equal(isLagging({ waitedMs: 1_999, bytes: 0 }, LEFT, expected, FALLBACK_MS), false)
    assert.equal(isLagging({ waitedMs: 2_000, bytes: 0 }, LEFT, expected, FALLBACK_MS), true)
  })

  it('is never a moment, however fast others are', () => {
    assert.equal(isLagging({ waitedMs: 200, bytes: 0 }, LEFT, { wholeMs: 1, restMs: 1 }, FALLBACK_MS), false)
  })

  it('is not what will be done before another could be', () => {
    const progress = { waitedMs: 2_000, bytes: 1_000_000 } // 200 ms to go at this pace
    assert.equal(isLagging(progress, LEFT, { wholeMs: 500, restMs: 300 }, FALLBACK_MS), false)
    assert.equal(isLagging(progress, LEFT, { wholeMs: 500, restMs: 100 }, FALLBACK_MS), true)
  })

  it('goes by the fallback where nobody was measured', () => {
    const nothing = { wholeMs: undefined, restMs: undefined }
    assert.equal(isLagging({ waitedMs: 2_999, bytes: 0 }, LEFT, nothing, FALLBACK_MS), false)
    assert.equal(isLagging({ waitedMs: 3_000, bytes: 0 }, LEFT, nothing, FALLBACK_MS), true)
  })
})
