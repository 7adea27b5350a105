import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { peerIdFromMultihash } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { decode } from 'multiformats/hashes/digest'
import type { KadMessage, KadPeer } from '../../../src/discovery/dht/kad-message.ts'
import { ManualClock } from '../../peers/manual-clock.ts'
import { baseServices, startNode } from '../../peers/start-node.ts'
import { framed, KAD_PROTOCOL } from './hostile-server.ts'
import { answerOn, ask, RENDEZVOUS, request } from './raw-request.ts'
import { collect, connect, type DhtNodeInit, idsOf, startDht, until } from './start-dht.ts'

/** A server of the DHT, and a node that asks it whatever it likes. */
async function meet(context: TestContext, init: DhtNodeInit = {}) {
  const [server, asker] = await Promise.all([startDht(context, init), startNode(context, { services: baseServices })])
  return { server, asker }
}

function peersOf({ closer }: KadMessage): string[] {
  return closer.map(({ id }) => peerIdFromMultihash(decode(id)).toString())
}

suite('a request of the DHT', () => {
  test('for closer peers is answered with servers, and never with clients', async (context) => {
    const { server, asker } = await meet(context)
    const other = await startDht(context)
    const client = await startDht(context, { mode: 'client' })
    await connect(context, other, server)
    await connect(context, client, server)
    assert.deepEqual(idsOf(await collect(client.dht.findPeer(other.peerId, {}))), idsOf([other])) // it asks, by the same protocol

    for (const peerId of [client.peerId, other.peerId, asker.peerId]) {
      const answer = await ask(asker, server, request('findNode', { key: peerId.toMultihash().bytes }))
      assert.ok(answer)
      assert.deepEqual([...new Set(peersOf(answer))], [other.peerId.toString()])
    }
  })

  test('is not answered with a peer of whom nobody is to know', async (context) => {
    const hidden = await startDht(context)
    const { server, asker } = await meet(context, { mayAnnounce: (peerId) => !peerId.equals(hidden.peerId) })
    await hidden.node.dial(server.address)
    await until(context, () => hidden.dht.status().routingTable === 1)
    assert.ok((await hidden.dht.provide({})) > 0)

    const key = hidden.peerId.toMultihash().bytes
    assert.deepEqual(peersOf((await ask(asker, server, request('findNode', { key }))) as KadMessage), [])
    const found = await ask(asker, server, request('getProviders', { key: RENDEZVOUS }))
    assert.deepEqual(found?.providers, [])
  })

  test('to store a value, for a value, or for another key than the rendezvous is refused, and no violation', async (context) => {
    const { server, asker } = await meet(context)
    const otherKey = Uint8Array.from(RENDEZVOUS).fill(1, 2)
    const requests = [
      request(0, { key: otherKey }),
      request(1, { key: otherKey }),
      request('getProviders', { key: otherKey }),
      request('addProvider', { key: otherKey }),
      request(6)
    ]
    for (const bytes of requests) assert.equal(await ask(asker, server, bytes), undefined)
    assert.deepEqual(server.dht.status().requests, { answered: 0, refused: requests.length })
    assert.deepEqual(server.faults, [])
  })

  test('that is too long, without an end, or no message is refused, and reported', async (context) => {
    const { server, asker } = await meet(context)
    const requests = [framed(new Uint8Array(4_097)), new Uint8Array(1_000).fill(0x80), framed(Uint8Array.of(0xff))]
    for (const bytes of requests) assert.equal(await ask(asker, server, bytes), undefined)
    assert.equal(server.faults.length, requests.length)
  })

  test('beyond the rate of a peer is refused, until it has rested', async (context) => {
    const clock = new ManualClock()
    const { server, asker } = await meet(context, { clock })
    const ping = () => ask(asker, server, request('ping'))
    for (let count = 0; count < 50; count++) assert.ok(await ping())
    assert.equal(await ping(), undefined)
    assert.deepEqual(server.dht.status().requests, { answered: 50, refused: 1 })
    assert.deepEqual(server.faults, [])
    clock.advance(200)
    assert.ok(await ping())
  })

  test('comes on a stream that ends after its time, whatever happens on it', async (context) => {
    const clock = new ManualClock()
    const { server, asker } = await meet(context, { clock })
    const stream = await asker.dialProtocol(server.address, KAD_PROTOCOL)
    assert.ok(await answerOn(stream, () => stream.send(request('ping'))))
    const next = await asker.dialProtocol(server.address, KAD_PROTOCOL)
    next.send(request('ping').subarray(0, 1))
    await until(context, () => clock.sleeping > 0)
    const closed = new Promise((resolve) => next.addEventListener('close', resolve))
    clock.advance(30_000)
    await closed
  })

  test('to announce is charged to the subnet of the connection that it comes by', async (context) => {
    const charged: string[] = []
    const { server, asker } = await meet(context, { subnetOf: (address) => void charged.push(address.toString()) })
    const provider = { id: asker.peerId.toMultihash().bytes, addresses: [multiaddr('/ip4/127.0.0.1/tcp/9').bytes] }
    const stream = await asker.dialProtocol(server.address, KAD_PROTOCOL)
    stream.send(request('addProvider', { key: RENDEZVOUS, providers: [provider] }))
    await until(context, () => server.dht.status().requests.answered > 0)
    const [connection] = server.node.getConnections(asker.peerId)
    assert.deepEqual(charged, [connection?.remoteAddr.toString()])
    assert.ok(await ask(asker, server, request('getProviders', { key: RENDEZVOUS })))
    assert.equal(charged.length, 1, 'others are not')
  })

  test('to announce another peer than the asker, or nowhere, changes nothing', async (context) => {
    const { server, asker } = await meet(context)
    const other = await startDht(context)
    const id = (peerId: typeof asker.peerId) => peerId.toMultihash().bytes
    const addresses = [multiaddr('/ip4/127.0.0.1/tcp/9').bytes]
    const nowhere = [multiaddr('/ip4/0.0.0.0/tcp/9').bytes]
    const announcements = [
      { id: id(other.peerId), addresses },
      { id: id(asker.peerId), addresses: nowhere }
    ]
    const announced = async () => (await ask(asker, server, request('getProviders', { key: RENDEZVOUS })))?.providers
    const announce = async (provider: KadPeer) => {
      const { answered } = server.dht.status().requests
      const stream = await asker.dialProtocol(server.address, KAD_PROTOCOL)
      stream.send(request('addProvider', { key: RENDEZVOUS, providers: [provider] }))
      await until(context, () => server.dht.status().requests.answered > answered)
    }
    for (const provider of announcements) {
      await announce(provider)
      assert.deepEqual(await announced(), [])
    }
    await announce({ id: id(asker.peerId), addresses })
    let providers = await announced()
    while (providers?.length === 0) providers = await announced()
    assert.deepEqual(
      providers?.map(({ id: bytes }) => Buffer.from(bytes).toString('hex')),
      [Buffer.from(id(asker.peerId)).toString('hex')]
    )
  })
})
