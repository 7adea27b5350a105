import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Registry } from 'prom-client'
import { Libp2pMetrics } from '../../../src/operator/metrics/libp2p-metrics.ts'
import { samplesOf } from './samples.ts'

function make() {
  const registry = new Registry()
  const metrics = new Libp2pMetrics(registry)
  return { metrics, read: async () => samplesOf(await registry.metrics()) }
}

describe("libp2p's metrics", () => {
  it('are counted by the part and by the group', async () => {
    const { metrics, read } = make()
    const gauge = metrics.registerMetric('gauge')
    gauge.update(5)
    gauge.increment()
    gauge.decrement(3)
    const group = metrics.registerMetricGroup('group', { label: 'kind' })
    group.update({ a: 5, b: undefined })
    group.increment({ a: true, b: 2 })
    group.decrement({ b: true })
    const counter = metrics.registerCounter('counter_total')
    counter.increment()
    counter.increment(4)
    const counters = metrics.registerCounterGroup('counters_total')
    counters.increment({ x: 2, y: true })
    const samples = await read()
    assert.equal(samples.get('gauge'), 3)
    assert.deepEqual([samples.get('group{kind="a"}'), samples.get('group{kind="b"}')], [6, 1])
    assert.equal(samples.get('counter_total'), 5)
    assert.equal(samples.get('counters_total{counters_total="x"}'), 2)
    counter.reset()
    counters.reset()
    group.reset()
    const reset = await read()
    assert.deepEqual([reset.get('counter_total'), reset.get('group{kind="a"}')], [0, undefined])
  })

  it('are calculated at each scrape, and what is gone is not shown', async () => {
    const { metrics, read } = make()
    let now: Record<string, number> = { inbound: 1, outbound: 2 }
    metrics.registerMetric('gauge', { calculate: async () => Object.keys(now).length })
    metrics.registerMetricGroup('group', { label: 'direction', calculate: () => now })
    metrics.registerCounter('gained_total', { calculate: () => 2 })
    metrics.registerCounterGroup('gains_total', { label: 'kind', calculate: () => ({ a: 3 }) })
    assert.deepEqual((await read()).get('gauge'), 2)
    now = { inbound: 4 }
    const samples = await read()
    assert.deepEqual(
      ['gauge', 'group{direction="inbound"}', 'group{direction="outbound"}'].map((name) => samples.get(name)),
      [1, 4, undefined]
    )
    assert.equal(samples.get('gained_total'), 4, 'what is calculated of a counter is what it gained')
    assert.equal(samples.get('gains_total{kind="a"}'), 6)
  })

  it('are timed and observed', async () => {
    const { metrics, read } = make()
    metrics.registerHistogram('seconds', { buckets: [1, 2] }).observe(1.5)
    metrics.registerHistogramGroup('seconds_by', { label: 'kind', buckets: [1] }).observe({ a: 3 })
    metrics.registerSummary('summary', { percentiles: [0.5] }).observe(7)
    metrics.registerSummaryGroup('summary_by', { label: 'kind', percentiles: [0.5] }).observe({ a: 8 })
    metrics.registerMetric('took').timer()()
    metrics.registerMetricGroup('took_by', { label: 'kind' }).timer('a')()
    const samples = await read()
    assert.deepEqual([samples.get('seconds_bucket{le="1"}'), samples.get('seconds_bucket{le="2"}')], [0, 1])
    assert.equal(samples.get('seconds_by_sum{kind="a"}'), 3)
    assert.equal(samples.get('summary{quantile="0.5"}'), 7)
    assert.equal(
      samples.get('summary_by{quantile="0.5",kind="a"}') ?? samples.get('summary_by{kind="a",quantile="0.5"}'),
      8
    )
    assert.ok((samples.get('took') ?? -1) >= 0 && (samples.get('took_by{kind="a"}') ?? -1) >= 0)
  })

  it('share a name between parts, and nothing between nodes', async () => {
    const [one, other] = [make(), make()]
    one.metrics.registerCounter('packets/total').increment()
    one.metrics.registerCounter('packets/total').increment()
    other.metrics.registerCounter('packets/total').increment()
    assert.equal((await one.read()).get('packets_total'), 2)
    assert.equal((await other.read()).get('packets_total'), 1)
  })
})
