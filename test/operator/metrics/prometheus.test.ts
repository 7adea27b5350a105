import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createNodeMetrics, startStatusServer } from '../../../src/operator/index.ts'
import { buildChain, TestNetwork } from '../../../src/testing/index.ts'
import { dashboard, metricNames, operationsPath, rules, skipWithout } from './operations.ts'
import { PrometheusServer } from './prometheus-server.ts'
import { typesOf } from './samples.ts'

const COMMITS = 60
const chain = buildChain({ commits: COMMITS + 40 })
/** Metrics that have samples only once something went wrong, which nothing does here. */
const OF_FAULTS = new Set(['soma_p2p_peers_faults_total', 'soma_p2p_rpc_requests_total'])

const skip = skipWithout('promtool') || skipWithout('prometheus')

describe('a Prometheus that scrapes two nodes', { skip }, () => {
  const open = new AsyncDisposableStack()
  const texts: string[] = []
  let prometheus: PrometheusServer

  before(async () => {
    const directory = await mkdtemp(join(tmpdir(), 'soma-p2p-metrics-'))
    open.defer(() => rm(directory, { recursive: true }))
    const network = open.use(new TestNetwork(chain))
    const serve = async (options: Parameters<TestNetwork['start']>[0]) => {
      const metrics = createNodeMetrics({ directory, executed: () => COMMITS, version: '1.2.3' })
      const node = await network.start({ ...options, metrics })
      const server = await startStatusServer({ node, metrics })
      open.defer(() => server.stop())
      return { node, url: server.url }
    }
    const validator = await serve({ validator: 0, commits: COMMITS })
    const full = await serve({ seeds: [validator.node] })
    const signal = AbortSignal.timeout(60_000)
    await network.reached(full.node, COMMITS, { signal })
    for (const { node } of [validator, full]) {
      for await (const { commit } of node.subscribe({ name: 'executor', signal })) if (commit.ref.index === 20) break
    }
    const targets = [validator, full].map(({ url }) => new URL(url).host)
    prometheus = open.use(await PrometheusServer.start(targets, operationsPath('alert-rules.yaml')))
    let next = COMMITS
    await prometheus.until(async () => {
      if (next < COMMITS + 40) await network.commit(++next, [validator.node]) // so that there is something to measure
      const { data } = await prometheus.query('count_over_time(up[30s]) > 3 and up == 1')
      return data?.result.length === 2
    }, 'both nodes are scraped')
    for (const { url } of [validator, full]) texts.push(await fetch(`${url}metrics`).then((answer) => answer.text()))
  })
  after(() => open.disposeAsync())

  it('finds nothing wrong with how the metrics of this project are written', () => {
    for (const text of texts) {
      const { status, stdout, stderr, error } = spawnSync('promtool', ['check', 'metrics'], {
        input: text,
        encoding: 'utf8'
      })
      assert.equal(error, undefined)
      assert.notEqual(status, 1, `the text cannot be read: ${stdout}${stderr}`)
      const ours = `${stdout}${stderr}`.split('\n').filter((line) => line.startsWith('soma_p2p_'))
      assert.deepEqual(ours, [])
    }
  })

  it('knows every metric that the dashboard and the alerts use', () => {
    const types = texts.map(typesOf)
    const exists = (name: string) =>
      types.every((of) => of.has(name) || of.get(name.replace(/_(bucket|sum|count)$/, '')) === 'histogram')
    for (const { title, targets = [] } of dashboard.panels) {
      for (const { expr } of targets)
        assert.deepEqual(
          metricNames(expr).filter((name) => !exists(name)),
          [],
          title
        )
    }
    for (const { alert, expr } of rules)
      assert.deepEqual(
        metricNames(expr).filter((name) => !exists(name)),
        [],
        alert
      )
  })

  it('answers every query of the dashboard, for both nodes where they have what is asked for', async () => {
    let answered = 0
    for (const { title, targets = [] } of dashboard.panels) {
      for (const { expr } of targets) {
        const query = expr.replaceAll('$__rate_interval', '30s').replaceAll('$instance', '.*')
        const shown = await instancesOf(query, title)
        if (shown === 0 && metricNames(expr).every((name) => OF_FAULTS.has(name))) continue
        // a scrape that a busy machine was late with leaves a gap
        if (shown < 2) await prometheus.until(async () => (await instancesOf(query, title)) === 2, `${title}: ${query}`)
        answered += 1
      }
    }
    assert.ok(answered > 70, `${answered} queries`)

    async function instancesOf(query: string, title: string): Promise<number> {
      const { status, error, data } = await prometheus.query(query)
      assert.equal(status, 'success', `${title}: ${query}: ${error}`)
      return new Set(data?.result.map(({ metric }) => metric.instance)).size
    }
  })

  it('evaluates every alert without an error, and none fires at nodes in order', async () => {
    interface Rule {
      readonly name: string
      readonly health: string
      readonly lastError?: string
      readonly state: string
    }
    const read = async () => {
      const { data } = (await prometheus.get('rules')) as { data: { groups: { rules: Rule[] }[] } }
      return data.groups.flatMap((group) => group.rules)
    }
    await prometheus.until(
      async () => (await read()).every(({ health }) => health !== 'unknown'),
      'every rule is evaluated'
    )
    const evaluated = await read()
    assert.deepEqual(
      evaluated.map(({ name }) => name),
      rules.map(({ alert }) => alert)
    )
    for (const { name, health, lastError, state } of evaluated) {
      assert.equal(health, 'ok', `${name}: ${lastError}`)
      assert.notEqual(state, 'firing', name)
    }
  })
})
