import { test } from 'node:test'
import { type DiscoveryNode, idsOf, informedOf, same, startDiscovery, until } from '../discovery/start-discovery.ts'

const options = { timeout: 60_000 }

const knowEachOther = (nodes: readonly DiscoveryNode[]) =>
  nodes.every((node) => same(informedOf(node), idsOf(...nodes.filter((other) => other !== node))))

test('thirty nodes in a line of introductions all come to know each other', options, async (context) => {
  const config = { discoveryIntervalMs: 200, targetConnections: 4, peersPerTick: 2 }
  const nodes: DiscoveryNode[] = []
  for (let count = 0; count < 30; count++) {
    nodes.push(await startDiscovery(context, { seeds: nodes.at(-1)?.addresses ?? [], config, dht: false }))
  }
  await until(context, () => knowEachOther(nodes))
})
