import { test } from 'node:test'
import { type DiscoveryNode, idsOf, informedOf, same, startDiscovery, until } from '../discovery/start-discovery.ts'

const options = { timeout: 240_000 } // some twenty seconds of the machine's time, which others may want too

const knowEachOther = (nodes: readonly DiscoveryNode[]) =>
  nodes.every((node) => same(informedOf(node), idsOf(...nodes.filter((other) => other !== node))))

/** What a node does by default, in a time that goes faster; the dials of one machine are shared among thirty nodes. */
const defaults = {
  config: { discoveryIntervalMs: 1_000 },
  peersInit: { backoffBaseMs: 1_000, backoffMaxMs: 60_000, shortLivedMs: 5_000, maxParallelDials: 1 }
}

test('thirty nodes in a line of introductions all come to know each other', options, async (context) => {
  const nodes: DiscoveryNode[] = []
  for (let count = 0; count < 30; count++) {
    nodes.push(await startDiscovery(context, { ...defaults, seeds: nodes.at(-1)?.addresses ?? [] }))
  }
  await until(context, () => knowEachOther(nodes))
})
