import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { Connection } from '@libp2p/interface'
import { buildChain } from '../../src/testing/chain-builder.ts'
import { TestNetwork } from '../../src/testing/test-network.ts'
import { until } from '../discovery/dht/start-dht.ts'
import { chainSpecWith, SMOLDOT_KAD_PROTOCOL } from './smoldot-chain.ts'
import { startSmoldot } from './smoldot-client.ts'
import { startSmoldotNode } from './smoldot-node.ts'

suite('smoldot, which speaks libp2p in Rust', { concurrency: true }, () => {
  test('stays connected to a whole node, asks its DHT again and again, and has no fault found with it', async (context) => {
    await using network = new TestNetwork(buildChain({ commits: 1 }))
    const node = await network.start({ dht: { protocol: SMOLDOT_KAD_PROTOCOL } })
    await startSmoldot(context, { chainSpec: chainSpecWith(node.addresses()), onLog() {} })
    const answered = async () => (await node.status()).discovery.dht?.requests.answered ?? 0
    while ((await answered()) < 2) await delay(100, undefined, { signal: context.signal })
    const { peers } = await node.status()
    assert.deepEqual(
      peers.map(({ direction, score }) => [direction, score.penalty]),
      [['inbound', 0]]
    )
    assert.ok((peers[0]?.connectedMs ?? 0) > 10_000, 'by the first connection')
  })

  test('connects, identifies, pings, finds another node by our DHT, and stays connected', async (context) => {
    const [boot, other] = await Promise.all([startSmoldotNode(context), startSmoldotNode(context)])
    await other.dial(boot.getMultiaddrs())
    await until(context, () => boot.services.dht.status().routingTable === 1)

    const agents = new Map<string, string | undefined>()
    const connections = new Map([boot, other].map((node) => [node, [] as Connection[]]))
    for (const [node, opened] of connections) {
      node.addEventListener('connection:open', ({ detail }) => opened.push(detail))
      node.addEventListener('peer:identify', ({ detail }) => agents.set(detail.peerId.toString(), detail.agentVersion))
    }
    let pongs = 0
    await startSmoldot(context, {
      chainSpec: chainSpecWith(boot.getMultiaddrs().map(String)),
      onLog(message) {
        if (message.startsWith(`pong; peer_id=${boot.peerId}`)) pongs += 1
      }
    })
    const requests = () => boot.services.dht.status().requests
    const opened = () => [...connections.values()].flat()
    const isParted = () => opened().some(({ status }) => status !== 'open')

    await until(context, () => pongs > 0)
    // only our answer can have told it of the other node
    await until(context, () => connections.get(other)?.length === 1)
    assert.equal(requests().answered, 1)
    // by its next question, after 12 s, our connection watch has pinged it some times, and the stock service of pings would have parted from it
    await until(context, () => requests().answered > 1 || isParted())
    assert.equal(isParted(), false)
    assert.equal(requests().refused, 0)
    for (const connection of opened()) {
      assert.match(agents.get(connection.remotePeer.toString()) ?? '', /^smoldot/)
      assert.ok(connection.rtt !== undefined)
      const inbound = connection.streams.filter(({ direction }) => direction === 'inbound')
      assert.ok(inbound.some(({ protocol }) => protocol === '/ipfs/ping/1.0.0'))
    }
  })
})
