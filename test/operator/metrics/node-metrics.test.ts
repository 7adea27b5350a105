import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { NodeStatus, SomaNode } from '../../../src/node/soma-node.ts'
import { createNodeMetrics, type NodeMetrics } from '../../../src/operator/index.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { openMemoryStore } from '../../../src/storage/index.ts'
import { buildChain, TestNetwork } from '../../../src/testing/index.ts'
import { idleReport } from '../../examples/idle-report.ts'
import { samplesOf } from './samples.ts'

const COMMITS = 60
const chain = buildChain({ commits: COMMITS })
const BLOCKS = chain.commits.reduce((sum, { subDag }) => sum + subDag.blocks.length, 0)
const scrape = async (metrics: NodeMetrics) => samplesOf(await metrics.text())

/** Metrics of something that says where it stands like a node. */
function ofStub(status: () => Promise<NodeStatus>, init: Parameters<typeof createNodeMetrics>[0] = {}) {
  const metrics = createNodeMetrics(init)
  const { promise: stopped, resolve: stop } = Promise.withResolvers<undefined>()
  metrics.attach({ status, stopped } as Pick<SomaNode, 'status' | 'stopped'> as SomaNode)
  return { metrics, stop: () => stop(undefined) }
}

describe('the metrics of a node', () => {
  it('are its own, though two nodes share a process, and the same at every scrape', async () => {
    await using network = new TestNetwork(chain)
    const [ofServer, ofSynced] = [createNodeMetrics(), createNodeMetrics({ executed: () => 7, version: '1.2.3' })]
    const server = await network.start({ validator: 0, commits: COMMITS, metrics: ofServer })
    const synced = await network.start({ seeds: [server], metrics: ofSynced })
    await network.reached(synced, COMMITS, { signal: AbortSignal.timeout(60_000) })
    while ((await synced.status()).synced.commits < COMMITS) await setImmediate()
    await scrape(ofSynced)
    const [served, own] = [await scrape(ofServer), await scrape(ofSynced)]

    assert.equal(own.get('soma_p2p_highest_synced_commit'), COMMITS)
    assert.equal(own.get('soma_p2p_lag_commits'), 0)
    assert.equal(own.get('soma_p2p_lag_seconds'), 0)
    assert.equal(own.get('soma_p2p_executed_commit'), 7)
    assert.equal(own.get('soma_p2p_synced_blocks_total'), BLOCKS)
    assert.equal(served.get('soma_p2p_synced_blocks_total'), 0)
    assert.equal(own.get('soma_p2p_sync_stage_done_total{stage="verify-blocks"}'), BLOCKS)
    assert.equal(own.get('soma_p2p_verified_items_total{kind="certification"}'), COMMITS)
    assert.equal(own.get('soma_p2p_store_written_commits_total'), COMMITS)
    assert.equal(own.get('soma_p2p_peers_by_source{source="committee",direction="outbound"}'), 1)
    const asked = own.get(requests('outbound'))
    assert.ok(asked !== undefined && asked > 0)
    assert.equal(served.get(requests('inbound')), asked)
    assert.equal(served.get(requests('outbound')), undefined)
    const served1 = 'soma_p2p_rpc_request_duration_seconds_count{protocol="fetch-blocks",direction="inbound"}'
    assert.equal(served.get(served1), asked)
    assert.equal(own.get('libp2p_connection_manager_dials_total{libp2p_connection_manager_dials_total="outbound"}'), 1)
    assert.ok((own.get('libp2p_data_transfer_bytes_total{direction="received"}') ?? 0) > 0)
    for (const samples of [own, served]) assert.ok((samples.get('process_resident_memory_bytes') ?? 0) > 0)
    const withVersion = [...own.keys()].filter((name) => name.startsWith('soma_p2p_info{'))
    assert.match(withVersion.join(), /^soma_p2p_info\{role="full",chain_id="[0-9a-f]{64}",version="1.2.3"\}$/)
    const names = [...own.keys(), ...served.keys()].join('\n')
    for (const { peerId } of [server, synced]) assert.ok(!names.includes(peerId.toString()), 'a peer id is a label')

    await network.stop(synced)
    const after = await scrape(ofSynced)
    assert.equal(after.get('soma_p2p_highest_synced_commit'), undefined, 'a stopped node stands nowhere')
    assert.equal(after.get('soma_p2p_status_failures_total'), 0)
    const store = await openMemoryStore({ genesis: chain.genesis })
    await assert.rejects(network.start({ metrics: ofSynced, store }), /those of another node/)
    await store.close()

    function requests(direction: string): string {
      return `soma_p2p_rpc_requests_total{protocol="fetch-blocks",direction="${direction}",result="ok"}`
    }
  })

  it('say how far a node is behind by commits and by the time of the chain', async () => {
    const now = 1_700_000_000_000
    let status: NodeStatus = { ...idleReport, highestSyncedAtMs: now - 90_000 }
    const clock = { ...systemClock, now: () => now }
    const { metrics } = ofStub(async () => status, { clock })
    const behind = await scrape(metrics)
    assert.equal(behind.get('soma_p2p_lag_commits'), 4)
    assert.equal(behind.get('soma_p2p_lag_seconds'), 90)
    status = { ...status, highestKnown: 3 }
    const ahead = await scrape(metrics)
    assert.deepEqual(
      ['lag_commits', 'lag_seconds', 'highest_known_commit'].map((name) => ahead.get(`soma_p2p_${name}`)),
      [0, 0, 5]
    )
  })

  it('show nothing old where a node cannot say where it stands, or a part of it is gone', async () => {
    let status = async (): Promise<NodeStatus> => ({ ...idleReport, cursors: { executor: 3, indexer: 2 } })
    const { metrics } = ofStub(() => status())
    const before = await scrape(metrics)
    assert.deepEqual([before.get('soma_p2p_epoch'), before.get('soma_p2p_cursor_commit{cursor="indexer"}')], [0, 2])
    status = async () => ({ ...idleReport, cursors: { executor: 4 } })
    const without = await scrape(metrics)
    assert.equal(without.get('soma_p2p_cursor_commit{cursor="executor"}'), 4)
    assert.equal(without.get('soma_p2p_cursor_commit{cursor="indexer"}'), undefined)
    status = async () => {
      throw new Error('the disk is gone')
    }
    const failed = await scrape(metrics)
    assert.equal(failed.get('soma_p2p_epoch'), undefined)
    assert.ok(failed.has('process_resident_memory_bytes'))
    assert.equal((await scrape(metrics)).get('soma_p2p_status_failures_total'), 2)
  })

  it('ask a node once for each scrape', async () => {
    let asked = 0
    const { metrics } = ofStub(async () => {
      asked += 1
      return idleReport
    })
    await metrics.text()
    assert.equal(asked, 1)
  })

  it('count the reasons of bans, refusals and failed writes, in bounded labels', async () => {
    const { metrics } = ofStub(async () => idleReport)
    const { onPeerReport, onExchange, onWritten } = metrics.observer
    const report = { peerId: {} as never, reason: '', spared: false, during: undefined }
    onPeerReport?.({ ...report, code: 'BLOCK_BAD_SIGNATURE', consequence: 'ban' })
    onWritten?.({ result: 'STORAGE_WRITE_FAILED', commits: 5, bytes: 500, milliseconds: 20 })
    const exchange = {
      side: 'server',
      peer: {} as never,
      protocol: 'p',
      bytesIn: 1,
      bytesOut: 2,
      milliseconds: 3
    } as const
    for (let i = 0; i < 1_000; i++) onExchange?.({ ...exchange, result: `CODE_${i}` })
    onExchange?.({ ...exchange, result: 'a whole sentence "of a peer"\n' })
    const samples = await scrape(metrics)
    assert.equal(samples.get('soma_p2p_peers_faults_total{code="BLOCK_BAD_SIGNATURE",consequence="ban"}'), 1)
    assert.equal(samples.get('soma_p2p_store_writes_total{result="STORAGE_WRITE_FAILED"}'), 1)
    assert.equal(samples.get('soma_p2p_store_written_commits_total'), 0)
    const results = [...samples.keys()].filter((name) => name.startsWith('soma_p2p_rpc_requests_total'))
    assert.equal(results.length, 129)
    assert.equal(samples.get('soma_p2p_rpc_requests_total{protocol="p",direction="inbound",result="other"}'), 873)
  })
})
