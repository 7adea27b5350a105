import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import type { Stream } from '@libp2p/interface'
import { KAD_PROTOCOL } from './hostile-server.ts'
import { collect, connect, type DhtNode, idsOf, startDht, until } from './start-dht.ts'

suite('the DHT', () => {
  test('eight nodes that know one seed find each other', async (context) => {
    const nodes = await Promise.all(Array.from({ length: 8 }, () => startDht(context)))
    const [seed, ...others] = nodes
    assert.ok(seed)
    for (const node of others) await connect(context, node, seed)

    for (const { dht } of nodes) assert.ok((await dht.provide({})) > 0)
    for (const { dht, peerId } of nodes) {
      const expected = idsOf(nodes.filter((other) => !other.peerId.equals(peerId)))
      assert.deepEqual(idsOf(await collect(dht.findProviders({}))), expected)
    }
  })

  test('finds the addresses of a peer by one that both are connected to, and leaves dialling it to others', async (context) => {
    const [asker, between, sought] = await Promise.all([startDht(context), startDht(context), startDht(context)])
    await connect(context, asker, between)
    await connect(context, sought, between)
    const found = await collect(asker.dht.findPeer(sought.peerId, {}))
    assert.deepEqual(
      found.map(({ addresses }) => addresses.map(String)),
      [sought.node.getMultiaddrs().map((address) => address.decapsulate('/p2p').toString())]
    )
    assert.ok(found[0]?.from.equals(between.peerId))
    assert.deepEqual(asker.dialled, [])
    assert.deepEqual(await collect(asker.dht.findPeer(asker.peerId, {})), [])
  })

  test('a client finds others, and nobody finds it', async (context) => {
    const [client, seed, other] = await Promise.all([
      startDht(context, { mode: 'client' }),
      startDht(context),
      startDht(context)
    ])
    await connect(context, client, seed)
    await connect(context, other, seed)
    await other.dht.provide({})
    assert.equal(await client.dht.provide({}), 0)
    assert.deepEqual(idsOf(await collect(client.dht.findProviders({}))), idsOf([other]))
    assert.deepEqual(await collect(other.dht.findProviders({})), [])
    assert.deepEqual(await collect(other.dht.findPeer(client.peerId, {})), [])
    assert.equal(seed.dht.status().routingTable, 1)
    await assert.rejects(seed.node.dialProtocol(client.node.getMultiaddrs(), KAD_PROTOCOL), {
      name: 'UnsupportedProtocolError'
    })
  })

  test('does not ask banned peers on, nor name them', async (context) => {
    const banned = await startDht(context)
    const [asker, between] = await Promise.all([
      startDht(context, { isBanned: (peerId) => peerId.equals(banned.peerId) }),
      startDht(context)
    ])
    await connect(context, asker, between)
    await connect(context, banned, between)
    await banned.dht.provide({})
    assert.deepEqual(await collect(asker.dht.findProviders({})), [])
    assert.deepEqual(asker.dialled, [])
  })

  test('parts with a peer that cannot be reached', async (context) => {
    const [asker, gone] = await Promise.all([startDht(context), startDht(context)])
    await connect(context, asker, gone)
    await gone.node.stop()
    await until(context, () => asker.node.getConnections().length === 0)
    assert.equal(asker.dht.status().routingTable, 1)
    assert.deepEqual(await collect(asker.dht.findProviders({})), [])
    await until(context, () => asker.dht.status().routingTable === 0)
  })

  test('sends nothing by itself until it looks for its neighbours', async (context) => {
    const [quiet, asked] = await Promise.all([startDht(context), startDht(context)])
    await connect(context, quiet, asked)
    const server = await startConnected(context, 500)
    await until(context, () => server.dht.status().requests.answered > 0)
    assert.equal(asked.dht.status().requests.answered, 0)
    assert.equal(server.dht.status().requests.answered, 1)
  })

  test('ends its queries and streams when it stops, and starts again', async (context) => {
    const [asker, server] = await Promise.all([startDht(context), startDht(context)])
    await connect(context, asker, server)
    const held = await server.node.dialProtocol(asker.address, KAD_PROTOCOL)
    await until(context, () => asker.node.getConnections().some(({ streams }) => streams.some(isOfTheDht)))
    await asker.dht.stop()
    assert.deepEqual(await collect(asker.dht.findProviders({})), [])
    await until(context, () => held.status !== 'open')
    await assert.rejects(server.node.dialProtocol(asker.address, KAD_PROTOCOL))
    await asker.dht.start()
    await (await server.node.dialProtocol(asker.address, KAD_PROTOCOL)).close()
  })

  test('ends a query when its signal aborts', async (context) => {
    const [asker, server] = await Promise.all([startDht(context), startDht(context)])
    await connect(context, asker, server)
    const aborted = { signal: AbortSignal.abort() }
    assert.deepEqual(await collect(asker.dht.findProviders(aborted)), [])
    assert.deepEqual(await collect(asker.dht.findPeer(server.peerId, aborted)), [])
    assert.equal(await asker.dht.provide(aborted), 0)
    assert.equal(server.dht.status().requests.answered, 0)
  })
})

function isOfTheDht({ protocol }: Stream): boolean {
  return protocol === KAD_PROTOCOL
}

/** A node that another one is connected to, which has not looked for its neighbours by then: it looks once, and has more time on a busy machine. */
async function startConnected(context: TestContext, firstLookMs: number): Promise<DhtNode> {
  const begun = performance.now()
  const [eager, server] = await Promise.all([startDht(context, { firstLookMs }), startDht(context)])
  await connect(context, eager, server)
  return performance.now() - begun < firstLookMs ? server : await startConnected(context, 2 * firstLookMs)
}
