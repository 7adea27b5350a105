import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import type { Connection, Stream } from '@libp2p/interface'
import { openStream } from '../../src/rpc/open-stream.ts'
import { RpcError } from '../../src/rpc/rpc-error.ts'
import { bodyFrame, statusFrame } from './frames.ts'
import { type RpcNode, startTwoNodes } from './network.ts'
import { closed, faultLog, received, startScriptedServer } from './raw-peer.ts'
import { deliver, deliverParcels, greet } from './test-protocols.ts'

const protocol = greet()
const answer = Buffer.concat([bodyFrame({ text: 'hello' }), statusFrame()])

function streamsOf(node: RpcNode): Stream[] {
  return node.getConnections().flatMap((connection) => connection.streams)
}

describe('kept streams', () => {
  test('one request after the other goes over one stream, whatever its status', async (context) => {
    const { client, server } = await startTwoNodes(context)
    server.services.rpc.handle(protocol, async (note) => {
      if (note.text === '3') throw new RpcError('RPC_NOT_FOUND', '')
      return note
    })
    const used = new Set<Stream | undefined>()
    for (let i = 0; i < 10; i++) {
      await client.services.rpc.call(server.peerId, protocol, { text: String(i) }).catch(() => {})
      used.add(streamsOf(client)[0])
    }
    assert.equal(used.size, 1)
    assert.equal(streamsOf(client).length, 1)
  })

  test('calls and streams of a protocol share them; protocols do not', async (context) => {
    const { client, server } = await startTwoNodes(context)
    server.services.rpc.handle(protocol, async (note) => note)
    server.services.rpc.handle(deliver(), (order) => deliverParcels(order))
    for (let i = 0; i < 3; i++) {
      await client.services.rpc.call(server.peerId, protocol, { text: '' })
      await Array.fromAsync(client.services.rpc.stream(server.peerId, protocol, { text: '' }))
      await Array.fromAsync(client.services.rpc.stream(server.peerId, deliver(), { count: 2, bytes: 100_000 }))
    }
    assert.equal(streamsOf(client).length, 2)
  })

  test('no more are kept than allowed; the others are closed on both sides', async (context) => {
    const { client, server } = await startTwoNodes(context, { client: { maxIdleStreams: 2 } })
    const gate = Promise.withResolvers<void>()
    const full = Promise.withResolvers<void>()
    let waiting = 0
    server.services.rpc.handle(protocol, async (note) => {
      waiting += 1
      if (waiting === 5) full.resolve()
      await gate.promise
      return note
    })
    const calls = Array.from({ length: 5 }, () => client.services.rpc.call(server.peerId, protocol, { text: '' }))
    await full.promise
    const streams = [...streamsOf(client)]
    assert.equal(streams.length, 5)
    const { promise: threeClosed, resolve } = Promise.withResolvers<void>()
    let left = 3
    for (const stream of streams) {
      stream.addEventListener('close', () => {
        left -= 1
        if (left === 0) resolve()
      })
    }
    gate.resolve()
    await Promise.all(calls)
    await threeClosed
    assert.equal(streamsOf(client).length, 2)
    assert.equal(streams.filter(({ status }) => status === 'closed').length, 3)
  })

  test('an idle one is closed after its time, and a new one is opened', async (context) => {
    const { client, server } = await startTwoNodes(context, { client: { idleStreamMs: 30 } })
    server.services.rpc.handle(protocol, async (note) => note)
    for (let i = 0; i < 2; i++) {
      await client.services.rpc.call(server.peerId, protocol, { text: '' })
      const [stream] = streamsOf(client)
      assert.ok(stream)
      assert.equal(await closed(stream), 'closed')
    }
  })

  test('one that the server gave up is noticed, and a new one is opened', async (context) => {
    const log = faultLog()
    const limits = { idleTimeoutMs: 250, requestTimeoutMs: 600_000 }
    const { client, server } = await startTwoNodes(context, { client: log, server: limits })
    server.services.rpc.handle(protocol, async (note) => note)
    for (let i = 0; i < 2; i++) {
      await client.services.rpc.call(server.peerId, protocol, { text: '' })
      const [stream] = streamsOf(client)
      assert.ok(stream)
      assert.equal(await closed(stream), 'reset')
    }
    assert.deepEqual(log.faults, [])
  })

  test('one that turns out dead is replaced by a new one, once', async (context) => {
    const log = faultLog()
    const turns: number[] = []
    const script = async (stream: Stream, turn: number) => {
      turns.push(turn)
      await received(stream)
      if (turn === 3) return stream.abort(new Error('no'))
      stream.send(answer)
      await received(stream)
      stream.abort(new Error('no longer'))
    }
    const { client, server } = await startScriptedServer(context, protocol, script, log)
    const call = () => client.services.rpc.call(server.peerId, protocol, { text: '' })
    assert.deepEqual(await call(), { text: 'hello' }) // on stream 1
    assert.deepEqual(await call(), { text: 'hello' }) // stream 1 dies, stream 2 answers
    assert.deepEqual(turns, [1, 2])
    assert.deepEqual(log.faults, [])
    await assert.rejects(call(), { code: 'RPC_STREAM_TORN' }) // stream 2 dies, stream 3 as well
    assert.deepEqual(turns, [1, 2, 3])
    assert.deepEqual(log.faults, ['client greet RPC_STREAM_TORN'])
  })

  test('one that dies within an answer is not replaced', async (context) => {
    const turns: number[] = []
    const script = async (stream: Stream, turn: number) => {
      turns.push(turn)
      await received(stream)
      stream.send(answer)
      await received(stream)
      stream.send(answer.subarray(0, 1))
      stream.abort(new Error('no longer'))
    }
    const { client, server } = await startScriptedServer(context, protocol, script)
    await client.services.rpc.call(server.peerId, protocol, { text: '' })
    await assert.rejects(client.services.rpc.call(server.peerId, protocol, { text: '' }), { code: 'RPC_STREAM_TORN' })
    assert.deepEqual(turns, [1])
  })

  test('those of a connection go with it', async (context) => {
    const { client, server } = await startTwoNodes(context)
    server.services.rpc.handle(protocol, async (note) => note)
    const call = () => client.services.rpc.call(server.peerId, protocol, { text: 'hello' })
    await call()
    const disconnected = new Promise((resolve) => client.addEventListener('peer:disconnect', resolve, { once: true }))
    await server.hangUp(client.peerId)
    await disconnected
    await assert.rejects(call(), { code: 'RPC_NOT_CONNECTED' })
    await client.dial(server.getMultiaddrs())
    assert.deepEqual(await call(), { text: 'hello' })
  })
})

describe('a consumer that', () => {
  test('stops early resets the stream and ends the handler, which is no fault', async (context) => {
    const log = faultLog()
    const ended = Promise.withResolvers<void>()
    const { client, server } = await startTwoNodes(context, { client: log, server: log })
    server.services.rpc.handle(deliver(), async function* (_, { signal }) {
      try {
        for (let number = 1; !signal.aborted; number++) yield { number, content: new Uint8Array(10_000) }
      } finally {
        ended.resolve()
      }
    })
    for await (const { number } of client.services.rpc.stream(server.peerId, deliver(), { count: 1, bytes: 1 })) {
      if (number === 3) break
    }
    await ended.promise
    assert.deepEqual(streamsOf(client), [])
    assert.deepEqual(log.faults, [])
  })

  test('aborts gets its own reason, wherever the exchange is', async (context) => {
    const log = faultLog()
    const { client, server } = await startTwoNodes(context, { client: log, server: log })
    const begun = Promise.withResolvers<AbortSignal>()
    server.services.rpc.handle(protocol, async (note, { signal }) => {
      begun.resolve(signal)
      await once(signal, 'abort')
      return note
    })
    server.services.rpc.handle(deliver(), (order) => deliverParcels(order))
    const reason = new Error('enough')

    const before = client.services.rpc.call(
      server.peerId,
      protocol,
      { text: '' },
      { signal: AbortSignal.abort(reason) }
    )
    await assert.rejects(before, reason)

    const opening = new AbortController()
    const whileOpening = client.services.rpc.call(server.peerId, protocol, { text: '' }, { signal: opening.signal })
    opening.abort(reason)
    await assert.rejects(whileOpening, reason)

    const waiting = new AbortController()
    const whileWaiting = client.services.rpc.call(server.peerId, protocol, { text: '' }, { signal: waiting.signal })
    const handling = await begun.promise
    const handlerAborted = once(handling, 'abort')
    waiting.abort(reason)
    await assert.rejects(whileWaiting, reason)
    await handlerAborted

    const reading = new AbortController()
    const { signal } = reading
    const parcels = client.services.rpc.stream(server.peerId, deliver(), { count: 100, bytes: 100 }, { signal })
    await parcels.next()
    reading.abort(reason)
    await assert.rejects(parcels.next(), reason)

    assert.deepEqual(streamsOf(client), [])
    assert.deepEqual(log.faults, [])
  })
})

describe('openStream', () => {
  const never = new AbortController().signal
  const opened = {} as Stream

  function connection(status: string, newStream: () => Promise<Stream>): Connection {
    return { status, newStream } as unknown as Connection
  }

  function failing(name: string): () => Promise<Stream> {
    return async () => {
      throw Object.assign(new Error(name), { name })
    }
  }

  test('passes over connections that are closing, by their state or by what they say', async () => {
    let askedClosing = false
    const connections = [
      connection('closing', async () => {
        askedClosing = true
        return opened
      }),
      connection('open', failing('ConnectionClosedError')),
      connection('open', failing('MuxerClosedError')),
      connection('open', async () => opened)
    ]
    assert.equal(await openStream(connections, 'x', never), opened)
    await assert.rejects(openStream(connections.slice(0, 3), 'x', never), { code: 'RPC_NOT_CONNECTED' })
    assert.equal(askedClosing, false)
  })

  test('does not try another connection when the peer refuses', async () => {
    const other = connection('open', async () => opened)
    const codes = {
      UnsupportedProtocolError: 'RPC_UNSUPPORTED',
      StreamResetError: 'RPC_STREAM_TORN',
      TooManyOutboundProtocolStreamsError: 'RPC_RATE_LIMITED'
    }
    for (const [name, code] of Object.entries(codes)) {
      await assert.rejects(openStream([connection('open', failing(name)), other], 'x', never), { code })
    }
  })

  test('resets a stream that comes after the abort', async () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    let aborted: unknown
    const late = { abort: (error: Error) => (aborted = error) } as unknown as Stream
    const slow = connection('open', async () => {
      controller.abort(reason)
      return late
    })
    await assert.rejects(openStream([slow], 'x', controller.signal), reason)
    assert.equal(aborted, reason)
  })
})
