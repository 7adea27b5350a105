import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type ExchangeRecord, protocolId, RpcError, YAMUX_STREAM_OPTIONS } from '../../src/rpc/index.ts'
import { CHAIN_ID, startRpcNode, startTwoNodes } from './network.ts'
import { deliver, deliverParcels, greet, type Order } from './test-protocols.ts'

const protocol = greet()

describe('rpc', () => {
  test('the protocol id names the chain and the protocol', async (context) => {
    const node = await startRpcNode(context)
    assert.equal(node.services.rpc.protocolId(protocol), `/soma-p2p/${'07'.repeat(32)}/greet/1`)
    assert.equal(protocolId(CHAIN_ID, 'x'), `/soma-p2p/${'07'.repeat(32)}/x/1`)
  })

  test('a call is answered', async (context) => {
    const { client, server } = await startTwoNodes(context)
    server.services.rpc.handle(protocol, async ({ text }, { peer }) => ({ text: `${text}, ${peer}` }))
    const answer = await client.services.rpc.call(server.peerId, protocol, { text: 'hello' })
    assert.deepEqual(answer, { text: `hello, ${client.peerId}` })
  })

  test('both sides of one connection may ask', async (context) => {
    const { client, server } = await startTwoNodes(context)
    for (const node of [client, server]) node.services.rpc.handle(protocol, async () => ({ text: `${node.peerId}` }))
    const [atServer, atClient] = await Promise.all([
      client.services.rpc.call(server.peerId, protocol, { text: '' }),
      server.services.rpc.call(client.peerId, protocol, { text: '' })
    ])
    assert.deepEqual([atServer.text, atClient.text], [`${server.peerId}`, `${client.peerId}`])
  })

  test('a stream is answered with every response in order, of any size up to the limit', async (context) => {
    const { client, server } = await startTwoNodes(context)
    server.services.rpc.handle(deliver(), (order) => deliverParcels(order))
    const { maxResponseBytes } = deliver()
    const orders: Order[] = [
      { count: 0, bytes: 0 },
      { count: 3, bytes: 0 },
      { count: 100, bytes: 10 },
      { count: 3, bytes: maxResponseBytes - 20 }
    ]
    for (const order of orders) {
      let number = 0
      for await (const parcel of client.services.rpc.stream(server.peerId, deliver(), order)) {
        number += 1
        assert.equal(parcel.number, number)
        assert.equal(parcel.content.byteLength, order.bytes)
        assert.equal(Buffer.compare(parcel.content, Buffer.alloc(order.bytes, number)), 0)
      }
      assert.equal(number, order.count)
    }
  })

  test('others are served while a handler looks for what it might say', async (context) => {
    const { client, server } = await startTwoNodes(context)
    let isGreeted = false
    server.services.rpc.handle(protocol, async (note) => {
      isGreeted = true
      return note
    })
    server.services.rpc.handle(deliver(), async function* () {
      while (!isGreeted) yield undefined
      yield { number: 1, content: new Uint8Array(0) }
    })
    const parcels = Array.fromAsync(client.services.rpc.stream(server.peerId, deliver(), { count: 1, bytes: 0 }))
    await client.services.rpc.call(server.peerId, protocol, { text: '' })
    assert.deepEqual(
      (await parcels).map(({ number }) => number),
      [1]
    )
  })

  test('the bytes of an answer are told as they come', async (context) => {
    const { client, server } = await startTwoNodes(context)
    server.services.rpc.handle(deliver(), (order) => deliverParcels(order))
    let told = 0
    let calls = 0
    const onBytes = (bytes: number) => {
      told += bytes
      calls += 1
    }
    const order = { count: 2, bytes: 2_000_000 }
    await Array.fromAsync(client.services.rpc.stream(server.peerId, deliver(), order, { onBytes }))
    assert.ok(told >= 4_000_000 && told < 4_001_000, `${told} bytes`)
    assert.ok(calls > 4, `${calls} calls: more than one a frame`)
  })

  test('a unary protocol may be handled by an iterable, and asked as a stream', async (context) => {
    const { client, server } = await startTwoNodes(context)
    server.services.rpc.handle(protocol, async function* (note) {
      yield note
    })
    const answers = await Array.fromAsync(client.services.rpc.stream(server.peerId, protocol, { text: 'once' }))
    assert.deepEqual(answers, [{ text: 'once' }])
  })

  test('the statuses of a handler reach the caller with what they say', async (context) => {
    const { client, server } = await startTwoNodes(context)
    const errors: Record<string, RpcError> = {
      invalid: new RpcError('RPC_INVALID_REQUEST', 'out of range'),
      missing: new RpcError('RPC_NOT_FOUND', 'pruned', { lowestAvailable: 2 ** 40 }),
      later: new RpcError('RPC_UNAVAILABLE', 'starting', { retryAfterMs: 1_000 }),
      broken: new RpcError('RPC_INTERNAL', 'disk'),
      often: new RpcError('RPC_RATE_LIMITED', 'slow down', { retryAfterMs: 250 }) // the last, for it is kept to
    }
    server.services.rpc.handle(protocol, async ({ text }) => {
      throw errors[text]
    })
    for (const [text, { code, message, lowestAvailable, retryAfterMs }] of Object.entries(errors)) {
      await assert.rejects(client.services.rpc.call(server.peerId, protocol, { text }), (thrown) => {
        assert.ok(thrown instanceof RpcError)
        assert.deepEqual(
          [thrown.code, thrown.lowestAvailable, thrown.retryAfterMs],
          [code, lowestAvailable, retryAfterMs]
        )
        assert.ok(thrown.message.includes(message))
        return true
      })
    }
    assert.equal(client.getConnections()[0]?.streams.length, 1, 'a status ends an answer, not the stream')
  })

  test('what else a handler throws is internal, without its text, and told to its own node', async (context) => {
    const failures: unknown[] = []
    const faults: unknown[] = []
    const { client, server } = await startTwoNodes(context, {
      server: {
        onHandlerFailure: (name, error) => failures.push([name, error]),
        onFault: (_, error) => faults.push(error)
      }
    })
    const secret = new Error('the secret')
    server.services.rpc.handle(protocol, async () => {
      throw secret
    })
    await assert.rejects(client.services.rpc.call(server.peerId, protocol, { text: '' }), (thrown) => {
      assert.ok(thrown instanceof RpcError)
      assert.equal(thrown.code, 'RPC_INTERNAL')
      assert.doesNotMatch(thrown.message, /secret/)
      return true
    })
    assert.deepEqual(failures, [['greet', secret]])
    assert.deepEqual(faults, [])
  })

  test('a handler that breaks its own protocol is internal', async (context) => {
    const { client, server } = await startTwoNodes(context)
    const texts: Record<string, string[]> = { none: [], two: ['', ''], long: ['x'.repeat(600)] }
    server.services.rpc.handle(protocol, async function* ({ text }) {
      for (const answer of texts[text] ?? []) yield { text: answer }
    })
    for (const text of Object.keys(texts)) {
      await assert.rejects(client.services.rpc.call(server.peerId, protocol, { text }), { code: 'RPC_INTERNAL' })
    }
  })

  test('an error after some responses comes after them', async (context) => {
    const { client, server } = await startTwoNodes(context)
    server.services.rpc.handle(deliver(), async function* (order) {
      yield* deliverParcels(order)
      throw new RpcError('RPC_UNAVAILABLE', 'the disk went away')
    })
    let count = 0
    await assert.rejects(
      async () => {
        for await (const _ of client.services.rpc.stream(server.peerId, deliver(), { count: 3, bytes: 5 })) count += 1
      },
      { code: 'RPC_UNAVAILABLE' }
    )
    assert.equal(count, 3)
  })

  test('a protocol has one handler', async (context) => {
    const node = await startRpcNode(context)
    node.services.rpc.handle(protocol, async (note) => note)
    assert.throws(() => node.services.rpc.handle(protocol, async (note) => note), TypeError)
  })

  test('a request over its limit is a programming error, and nothing is sent', async (context) => {
    const { client, server } = await startTwoNodes(context)
    const tiny = { ...protocol, maxRequestBytes: 20 }
    await assert.rejects(client.services.rpc.call(server.peerId, tiny, { text: 'x'.repeat(30) }), RangeError)
    assert.equal(client.getConnections()[0]?.streams.length, 0)
  })

  test('every exchange is recorded on both sides, with its bytes', async (context) => {
    const records: ExchangeRecord[] = []
    const onExchange = (record: ExchangeRecord) => records.push(record)
    const { client, server } = await startTwoNodes(context, { client: { onExchange }, server: { onExchange } })
    server.services.rpc.handle(protocol, async ({ text }) => {
      if (text === 'fail') throw new RpcError('RPC_NOT_FOUND', '')
      return { text }
    })
    await client.services.rpc.call(server.peerId, protocol, { text: 'hello' })
    await assert.rejects(client.services.rpc.call(server.peerId, protocol, { text: 'fail' }))
    const summary = records.map(({ side, protocol, result }) => `${side} ${protocol} ${result}`).sort()
    assert.deepEqual(summary, [
      'client greet RPC_NOT_FOUND',
      'client greet ok',
      'server greet RPC_NOT_FOUND',
      'server greet ok'
    ])
    for (const { bytesIn, bytesOut, milliseconds } of records)
      assert.ok(bytesIn > 0 && bytesOut > 0 && milliseconds >= 0)
  })

  test('the stream options keep the window within the read buffer', () => {
    assert.ok(YAMUX_STREAM_OPTIONS.maxStreamWindowSize <= YAMUX_STREAM_OPTIONS.maxReadBufferLength)
  })
})
