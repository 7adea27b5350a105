import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { prometheusMetrics } from '@libp2p/prometheus-metrics'
import { Registry } from 'prom-client'
import { createNode } from '../../src/node/create-node.ts'
import type { SomaNode } from '../../src/node/soma-node.ts'
import { SomaError } from '../../src/runtime/soma-error.ts'
import { buildChain } from '../../src/testing/chain-builder.ts'
import { TestNetwork } from '../../src/testing/test-network.ts'

const chain = buildChain({ commits: 20 })
const options = { timeout: 15_000 }

/** Resolves when a condition on the nodes' statuses holds. */
async function until(context: TestContext, condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) {
    context.signal.throwIfAborted()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const peersOf = async (node: SomaNode) => (await node.status()).peers
const isWith = async (node: SomaNode, other: SomaNode) =>
  (await peersOf(node)).some(({ peerId }) => peerId === other.peerId.toString())

describe('the company of a node', () => {
  it(
    'is listed with who dialled, the source of its addresses, age, height, score and protection',
    options,
    async (context) => {
      await using network = new TestNetwork(chain)
      const validator = await network.start({ validator: 0, commits: 20 })
      const node = await network.start({ configured: validator.addresses() })
      await network.reached(node, 20)
      await until(context, async () => (await peersOf(node))[0]?.highestCommit === 20)
      const [peer, ...more] = await peersOf(node)
      assert.deepEqual(more, [])
      assert.equal(peer?.peerId, validator.peerId.toString())
      assert.deepEqual([peer?.direction, peer?.source, peer?.isProtected], ['outbound', 'configured', true])
      assert.ok((peer?.score.bytesPerMinute ?? 0) > 0, 'it delivered the chain')
      assert.equal(peer?.score.penalty, 0)
      await until(context, async () => (await peersOf(validator))[0]?.source === 'gossip')
      const [own] = await peersOf(validator)
      assert.deepEqual([own?.direction, own?.isProtected], ['inbound', false])
    }
  )

  it(
    'may be bound to the allowlist and configured peers, and says of others that they were refused',
    options,
    async (context) => {
      await using network = new TestNetwork(chain)
      const [friend, stranger] = [await network.start(), await network.start()]
      const host = await network.start({ private: true, allowlist: [friend.peerId.toString()] })
      friend.setConfiguredPeers(host.addresses())
      stranger.setConfiguredPeers(host.addresses())
      await until(context, () => isWith(host, friend))
      assert.equal(await isWith(host, stranger), false)
      host.setConfiguredPeers(stranger.addresses())
      await until(context, () => isWith(host, stranger))
    }
  )

  it('is not told of a node that is private', options, async (context) => {
    await using network = new TestNetwork(chain)
    const hub = await network.start()
    const hidden = await network.start({ seeds: [hub], accessType: 'private' })
    const other = await network.start({ seeds: [hub] })
    await until(context, async () => (await isWith(hub, hidden)) && (await isWith(other, hub)))
    await until(context, () => isWith(hidden, other)) // it learns of the others, and dials them
    await until(context, () => isWith(other, hidden))
    assert.deepEqual(
      (await peersOf(other)).map(({ peerId, source }) => [peerId, source]).sort(),
      [
        [hub.peerId.toString(), 'gossip'],
        [hidden.peerId.toString(), 'inbound']
      ].sort()
    )
    assert.equal((await hidden.status()).discovery.dht?.mode, 'client')
    assert.equal((await other.status()).discovery.dht?.mode, 'server')
  })

  it('outlives a restart without seeds', options, async (context) => {
    await using network = new TestNetwork(chain)
    const [seed, other] = [await network.start(), await network.start()]
    other.setConfiguredPeers(seed.addresses())
    const first = await network.start({ seeds: [seed] })
    const { store } = first
    await until(context, () => isWith(first, other))
    await network.stop(first)
    await network.stop(seed)
    const again = await network.start({ store })
    await until(context, () => isWith(again, other))
  })

  it('is counted for Prometheus', options, async (context) => {
    const registry = new Registry()
    await using network = new TestNetwork(chain)
    const validator = await network.start({ validator: 0, commits: 20 })
    const node = await network.start({ seeds: [validator], metrics: prometheusMetrics({ registry }) })
    await network.reached(node, 20)
    const has = async (line: RegExp) => line.test(await registry.metrics())
    await until(context, () => has(/^soma_p2p_peers_connected\{direction="outbound"\} 1$/m))
    await until(context, () => has(/^soma_p2p_discovery_known_peers\{source="committee"\} 1$/m))
    await until(context, () => has(/^soma_p2p_discovery_committee_peers\{state="connected"\} 1$/m))
    await until(context, () => has(/^soma_p2p_discovery_committee_peers\{state="missing"\} 3$/m))
    await until(context, () => has(/^soma_p2p_discovery_good_peers 1$/m))
    await until(context, () => has(/^soma_p2p_discovery_visits_total\{event="begun"\} \d+$/m))
    await until(context, () => has(/^soma_p2p_discovery_infos_total\{result="crowded_out"\} 0$/m))
    await until(context, () => has(/^soma_p2p_discovery_exchanges_total\{result="succeeded"\} [1-9]/m))
  })

  it('is named in a way that can be read', async () => {
    const { genesis } = chain
    const isCoded = (code: string) => (thrown: unknown) => thrown instanceof SomaError && thrown.code === code
    await assert.rejects(createNode({ genesis, configured: ['/ip4/127.0.0.1/tcp/1'] }), isCoded('CONFIG_INVALID'))
    await assert.rejects(createNode({ genesis, allowlist: ['nobody'] }), isCoded('ALLOWLIST_INVALID'))
    await using network = new TestNetwork(chain)
    const node = await network.start()
    assert.throws(() => node.setConfiguredPeers(['nonsense']), isCoded('CONFIG_INVALID'))
  })
})
