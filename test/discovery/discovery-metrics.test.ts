import assert from 'node:assert/strict'
import { test } from 'node:test'
import { prometheusMetrics } from '@libp2p/prometheus-metrics'
import { Registry } from 'prom-client'
import type { DiscoveryStatus } from '../../src/discovery/discovery.ts'
import { DiscoveryMetrics } from '../../src/discovery/discovery-metrics.ts'
import { quietLogger } from '../peers/start-node.ts'

const status: DiscoveryStatus = {
  known: 7,
  bySource: { configured: 1, committee: 2, gossip: 4, dht: 0, seed: 0, cache: 0 },
  connected: 1,
  isIsolated: true,
  lacking: ['12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X'],
  committee: { kept: 4, connected: 3 },
  goodPeers: 11,
  dialling: 0,
  exchanges: { underWay: 3, succeeded: 10, failed: 2 },
  answered: 5,
  infos: { learned: 9, crowdedOut: 13, refused: { INFO_STALE: 4 } },
  visits: { underWay: 14, begun: 16, parted: 15 },
  dht: {
    mode: 'server',
    routingTable: 6,
    queries: { succeeded: 1, failed: 2 },
    requests: { answered: 3, refused: 4 }
  },
  dropped: 8
}

test('Prometheus gets what the status says, however often it asks', async () => {
  const registry = new Registry()
  let now = status
  const metrics = new DiscoveryMetrics(prometheusMetrics({ registry })({ logger: quietLogger }), () => now)
  const scrape = async () => {
    const lines = (await registry.metrics()).split('\n').filter((line) => line.startsWith('soma_p2p_discovery_'))
    return Object.fromEntries(lines.map((line) => line.split(' ')).map(([name, value]) => [name, Number(value)]))
  }
  metrics.update()
  await scrape()
  const first = await scrape()
  assert.equal(first['soma_p2p_discovery_known_peers{source="gossip"}'], 4)
  assert.equal(first['soma_p2p_discovery_known_peers{source="cache"}'], 0)
  assert.equal(first['soma_p2p_discovery_committee_peers{state="connected"}'], 3)
  assert.equal(first['soma_p2p_discovery_committee_peers{state="missing"}'], 1)
  assert.equal(first.soma_p2p_discovery_lacking_peers, 1)
  assert.equal(first.soma_p2p_discovery_good_peers, 11)
  assert.equal(first.soma_p2p_discovery_visits_under_way, 14)
  assert.equal(first['soma_p2p_discovery_visits_total{event="begun"}'], 16)
  assert.equal(first['soma_p2p_discovery_visits_total{event="parted"}'], 15)
  assert.equal(first['soma_p2p_discovery_infos_total{result="crowded_out"}'], 13)
  assert.equal(first.soma_p2p_discovery_isolated, 1)
  assert.equal(first.soma_p2p_discovery_exchanges_under_way, 3)
  assert.equal(first.soma_p2p_discovery_dht_routing_table_peers, 6)
  assert.equal(first['soma_p2p_discovery_exchanges_total{result="succeeded"}'], 10)
  assert.equal(first['soma_p2p_discovery_exchanges_total{result="answered"}'], 5)
  assert.equal(first['soma_p2p_discovery_infos_total{result="INFO_STALE"}'], 4)
  assert.equal(first['soma_p2p_discovery_dht_queries_total{result="failed"}'], 2)
  assert.equal(first['soma_p2p_discovery_dht_requests_total{result="refused"}'], 4)
  assert.equal(first['soma_p2p_discovery_dropped_messages_total{loop="event"}'], 8)
  now = {
    ...status,
    isIsolated: false,
    infos: { learned: 12, crowdedOut: 13, refused: { INFO_STALE: 4, INFO_OWN: 1 } }
  }
  metrics.update()
  const second = await scrape()
  assert.equal(second.soma_p2p_discovery_isolated, 0)
  assert.equal(second['soma_p2p_discovery_infos_total{result="learned"}'], 12)
  assert.equal(second['soma_p2p_discovery_infos_total{result="INFO_STALE"}'], 4)
  assert.equal(second['soma_p2p_discovery_infos_total{result="INFO_OWN"}'], 1)
})
