import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LiveLatency, percentile } from '../../examples/devnet/live-latency.ts'

test('latency is from the first validator that handed a commit in to each full node, whoever tells first', () => {
  const latency = new LiveLatency(10, 2)
  latency.executed(10, 105)
  latency.handedIn(10, 101)
  latency.handedIn(10, 100)
  latency.handedIn(10, 102)
  latency.executed(10, 120)
  assert.deepEqual(latency.summary(), { commits: 1, latencyMs: { p50: 5, p99: 20 } })
})

test('commits from before, without a validator or not executed everywhere do not count', () => {
  const latency = new LiveLatency(10, 2)
  for (const index of [9, 10, 12]) latency.handedIn(index, 100)
  for (const index of [9, 11, 12]) for (const at of [101, 103]) latency.executed(index, at)
  latency.executed(10, 199)
  assert.deepEqual(latency.summary(), { commits: 1, latencyMs: { p50: 1, p99: 3 } })
})

test('nothing measured is nothing', () => {
  assert.deepEqual(new LiveLatency(1, 0).summary(), { commits: 0, latencyMs: { p50: 0, p99: 0 } })
})

test('a percentile is the smallest value that so many percent do not exceed', () => {
  const values = Array.from({ length: 200 }, (_, at) => at + 1)
  assert.equal(percentile(values, 50), 100)
  assert.equal(percentile(values, 99), 198)
  assert.equal(percentile(values, 100), 200)
  assert.equal(percentile([7], 1), 7)
})
