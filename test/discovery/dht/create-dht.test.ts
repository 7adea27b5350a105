import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { collect, connect, idsOf, startDht } from './start-dht.ts'

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
})
