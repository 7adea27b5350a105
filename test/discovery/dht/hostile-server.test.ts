import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import type { Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { answerWith, framed, inventedPeers, startHostile, startTrap } from './hostile-server.ts'
import { collect, type DhtNode, type DhtNodeInit, idsOf, startDht, until } from './start-dht.ts'

/** A node that has a hostile server in its routing table, and what it does when the hostile one answers. */
async function meetHostile(
  context: TestContext,
  answer: Uint8Array | ((stream: Stream) => void),
  init: DhtNodeInit = {}
): Promise<DhtNode> {
  const hostile = await startHostile(context, (stream) => {
    stream.addEventListener('message', () => {
      if (typeof answer === 'function') answer(stream)
      else stream.send(answer)
    })
  })
  const node = await startDht(context, { addressRule: (address) => address, ...init })
  await node.node.dial(hostile.getMultiaddrs())
  await until(context, () => node.dht.status().routingTable === 1)
  return node
}

suite('a hostile server of the DHT', () => {
  test('cannot have addresses dialled that the rules forbid', async (context) => {
    const trap = await startTrap(context)
    const closer = await inventedPeers(100, trap.address)
    const node = await meetHostile(context, answerWith(closer, closer), {
      addressRule: (address) => (address.equals(trap.address) ? undefined : address)
    })
    assert.deepEqual(await collect(node.dht.findProviders({})), [])
    assert.equal(trap.caught, 0)
    assert.equal(node.dialled.length, 0)
  })

  test('has a bounded number of the peers it names dialled and found', async (context) => {
    const address = multiaddr('/ip4/127.0.0.1/tcp/1')
    const node = await meetHostile(
      context,
      answerWith(await inventedPeers(128, address), await inventedPeers(128, address))
    )
    const found = await collect(node.dht.findProviders({}))
    assert.equal(idsOf(found).length, 20)
    assert.ok(node.dialled.length <= 20)
    assert.ok(found.every(({ from }) => from.equals(found[0]?.from)))
  })

  test('is reported for more peers than an answer may name', async (context) => {
    const address = multiaddr('/ip4/127.0.0.1/tcp/1')
    const peers = await inventedPeers(128, address)
    const node = await meetHostile(context, framed(withOneMore(answerWith(peers, []))))
    assert.deepEqual(await collect(node.dht.findProviders({})), [])
    assert.equal(node.faults.length, 1)
  })

  test('cannot make a length prefix go on for ever', async (context) => {
    const node = await meetHostile(context, new Uint8Array(100_000).fill(0x80))
    assert.deepEqual(await collect(node.dht.findProviders({})), [])
    assert.match(String(node.faults[0]?.error), /prefix/)
  })

  test('cannot send a frame beyond the limit', async (context) => {
    const node = await meetHostile(context, framed(new Uint8Array(65_537)))
    assert.deepEqual(await collect(node.dht.findProviders({})), [])
    assert.match(String(node.faults[0]?.error), /65537/)
  })

  test('that says nothing holds a query up until its deadline', async (context) => {
    const node = await meetHostile(context, () => {}, { queryTimeoutMs: 200 })
    assert.deepEqual(await collect(node.dht.findProviders({})), [])
    assert.deepEqual(node.dht.status().queries, { succeeded: 0, failed: 1 })
  })

  test('that answers first does not end a lookup', async (context) => {
    const address = multiaddr('/ip4/127.0.0.1/tcp/1')
    const [provider] = await inventedPeers(1, address)
    assert.ok(provider)
    const node = await meetHostile(context, answerWith([], await inventedPeers(128, address)))
    const slow = await startHostile(context, (stream) => {
      stream.addEventListener('message', () => void setTimeout(() => stream.send(answerWith([], [provider])), 100))
    })
    await node.node.dial(slow.getMultiaddrs())
    await until(context, () => node.dht.status().routingTable === 2)
    const found = await collect(node.dht.findProviders({}))
    assert.equal(found.filter(({ from }) => from.equals(slow.peerId)).length, 1)
    assert.equal(found.length, 21)
  })
})

/** The message of a frame, with its first closer peer there once more. */
function withOneMore(frame: Uint8Array): Uint8Array {
  const message = frame.subarray(2)
  const peer = Uint8Array.of(0x42, 2, 0x0a, 0)
  return Uint8Array.from([...message, ...peer])
}
