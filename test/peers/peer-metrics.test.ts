import assert from 'node:assert/strict'
import { test } from 'node:test'
import { prometheusMetrics } from '@libp2p/prometheus-metrics'
import { multiaddr } from '@multiformats/multiaddr'
import { Registry } from 'prom-client'
import { RpcError } from '../../src/rpc/rpc-error.ts'
import { makePeers } from './make-peer.ts'
import { addressesOf, startPeers, until } from './start-peers.ts'

/** Our lines of a scrape, without those that are 0. */
async function scrape(registry: Registry): Promise<string[]> {
  const lines = (await registry.metrics()).split('\n')
  return lines.filter((line) => line.startsWith('soma_p2p_peers_') && !line.endsWith(' 0')).sort()
}

test('a scrape tells who is connected and what happened, the same at every scrape', async (context) => {
  const registry = new Registry()
  const metrics = prometheusMetrics({ registry })
  const { node, peers, gate } = await startPeers(context, { metrics, peersInit: { maxConnections: 2 } })
  const [a, b, banned, evicted] = await Promise.all([1, 2, 3, 4].map(() => startPeers(context)))
  const [liar, dead] = (await makePeers(2)).map(({ peerId }) => peerId)
  if (!a || !b || !banned || !evicted || !liar || !dead) throw new Error('no nodes')
  assert.equal(await peers.dial(addressesOf(a)), 'connected')
  await b.peers.dial({ peerId: node.peerId, addresses: node.getMultiaddrs() })
  await until(context, () => peers.connected().length === 2)
  peers.protect('committee', [a.node.peerId])
  peers.delivered(b.node.peerId, 1_000_000)
  gate.ban(banned.node.peerId, 3_600_000, 'reason')
  await banned.peers.dial({ peerId: node.peerId, addresses: node.getMultiaddrs() })
  await evicted.peers.dial({ peerId: node.peerId, addresses: node.getMultiaddrs() })
  await until(context, () => peers.counts().closed.full + peers.counts().refused.banned === 2)
  await peers.dial({ peerId: dead, addresses: [multiaddr('/ip4/127.0.0.1/tcp/1')] })
  for (const code of ['RPC_TIMEOUT', 'RPC_TIMEOUT', 'RPC_BAD_FRAME'] as const)
    peers.report(liar, new RpcError(code, ''))

  const expected = [
    'soma_p2p_peers_bans 1',
    'soma_p2p_peers_closed_total{reason="full"} 1',
    'soma_p2p_peers_connected{direction="inbound"} 1',
    'soma_p2p_peers_connected{direction="outbound"} 1',
    'soma_p2p_peers_dials_total{outcome="connected"} 1',
    'soma_p2p_peers_dials_total{outcome="failed"} 1',
    'soma_p2p_peers_protected 1',
    'soma_p2p_peers_refused_total{reason="banned"} 1',
    'soma_p2p_peers_reports_total{consequence="backoff"} 2',
    'soma_p2p_peers_reports_total{consequence="penalty"} 1'
  ]
  assert.deepEqual(await scrape(registry), expected)
  assert.deepEqual(await scrape(registry), expected)
  const all = await registry.metrics()
  assert.match(all, /soma_p2p_peers_closed_total\{reason="duplicate"\} 0/, 'what has not happened yet is there too')
  assert.match(all, /# TYPE soma_p2p_peers_dials_total counter/)
  assert.match(all, /# TYPE soma_p2p_peers_connected gauge/)

  assert.deepEqual(
    { ...peers.counts(), dials: undefined },
    {
      connected: { inbound: 1, outbound: 1 },
      protected: 1,
      dialling: 0,
      bans: 1,
      dials: undefined,
      closed: { full: 1, subnet: 0, duplicate: 0, surplus: 0 },
      refused: { banned: 1, 'not-allowed': 0, subnet: 0, rate: 0, handshake: 0 },
      reports: { none: 0, backoff: 2, penalty: 1, ban: 0 }
    }
  )
})
