import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { responseFrameMessage } from '../../src/rpc/frame-messages.ts'
import { FrameStream } from '../../src/rpc/frame-stream.ts'
import { protocolId, RpcError, STATUS } from '../../src/rpc/index.ts'
import { ManualClock } from '../peers/manual-clock.ts'
import { startNode } from '../peers/start-node.ts'
import { framed, requestFrame } from './frames.ts'
import { CHAIN_ID, startRpcNode, startTwoNodes } from './network.ts'
import { closed, faultLog, openRawStream, openRawStreams } from './raw-peer.ts'
import { deliver, deliverParcels, greet, noteMessage, orderMessage, parcelMessage } from './test-protocols.ts'

const SHORT_MS = 40
const PATIENCE_MS = 30_000
const LIMIT = 4 * 1024 * 1024
const greeting = (text: string, keepOpen: boolean) => requestFrame(noteMessage, { text }, keepOpen)

/** The next frame of an answer: the text of a response, or the number of a status. */
async function nextAnswer(frames: FrameStream): Promise<string | number | undefined> {
  const bytes = await frames.read(LIMIT, PATIENCE_MS)
  if (bytes === undefined) return undefined
  const { body, status } = responseFrameMessage.decode(bytes)
  return body === undefined ? status?.code : noteMessage.decode(body).text
}

describe('a client that', () => {
  const violations = [
    { name: 'states too long a frame', code: 'RPC_OVERSIZE_FRAME', bytes: Uint8Array.of(0x81, 0x08) },
    { name: 'never ends a length', code: 'RPC_BAD_FRAME', bytes: new Uint8Array(1_000).fill(0x80) },
    { name: 'is silent within a length', code: 'RPC_TIMEOUT', bytes: Uint8Array.of(0x80) },
    { name: 'is silent within a frame', code: 'RPC_TIMEOUT', bytes: greeting('hello', true).subarray(0, -1) }
  ]
  for (const { name, code, bytes } of violations) {
    test(`${name} is reset and reported as ${code}`, async (context) => {
      const log = faultLog()
      const server = await startRpcNode(context, {
        ...log,
        requestTimeoutMs: code === 'RPC_TIMEOUT' ? 500 : PATIENCE_MS
      })
      server.services.rpc.handle(greet(), async (note) => note)
      const stream = await openRawStream(context, server, greet())
      stream.send(bytes)
      assert.equal(await closed(stream), 'reset')
      assert.deepEqual(log.faults, [`server greet ${code}`])
    })
  }

  test('never asks is reset, and asks too late is reset, and neither is a fault', async (context) => {
    const log = faultLog()
    const server = await startRpcNode(context, { ...log, requestTimeoutMs: SHORT_MS, idleTimeoutMs: SHORT_MS })
    server.services.rpc.handle(greet(), async (note) => note)
    const silent = await openRawStream(context, server, greet())
    assert.equal(await closed(silent), 'reset')
    const idle = await openRawStream(context, server, greet())
    idle.send(greeting('once', true))
    assert.equal(await closed(idle), 'reset')
    assert.deepEqual(log.faults, [])
  })

  test('sends no request frame gets a status, is reported, and the stream ends', async (context) => {
    const log = faultLog()
    const server = await startRpcNode(context, log)
    server.services.rpc.handle(greet(), async (note) => note)
    const stream = await openRawStream(context, server, greet())
    const frames = new FrameStream(stream)
    stream.send(framed(Uint8Array.of(0xff, 0xff)))
    assert.equal(await nextAnswer(frames), STATUS.invalidRequest)
    assert.equal(await nextAnswer(frames), undefined)
    assert.deepEqual(log.faults, ['server greet RPC_BAD_FRAME'])
  })

  test('sends no request message gets a status, is reported, and may ask again', async (context) => {
    const log = faultLog()
    const server = await startRpcNode(context, log)
    server.services.rpc.handle(greet(), async (note) => note)
    const stream = await openRawStream(context, server, greet())
    const frames = new FrameStream(stream)
    stream.send(requestFrame(orderMessage, { count: 1, bytes: 1 }, true)) // its fields are numbers, not a text
    assert.equal(await nextAnswer(frames), STATUS.invalidRequest)
    assert.deepEqual(log.faults, ['server greet RPC_INVALID_REQUEST'])
    stream.send(greeting('better', true))
    assert.equal(await nextAnswer(frames), 'better')
    assert.equal(await nextAnswer(frames), STATUS.ok)
  })

  test('asks what its handler calls invalid is reported', async (context) => {
    const log = faultLog()
    const { client, server } = await startTwoNodes(context, { server: log })
    server.services.rpc.handle(greet(), async () => {
      throw new RpcError('RPC_INVALID_REQUEST', 'no')
    })
    await assert.rejects(client.services.rpc.call(server.peerId, greet(), { text: '' }), {
      code: 'RPC_INVALID_REQUEST'
    })
    assert.deepEqual(log.faults, ['server greet RPC_INVALID_REQUEST'])
  })

  test('goes on after its last request is answered, reset and reported', async (context) => {
    const log = faultLog()
    const server = await startRpcNode(context, log)
    server.services.rpc.handle(greet(), async (note) => note)
    const stream = await openRawStream(context, server, greet())
    const frames = new FrameStream(stream)
    stream.send(Buffer.concat([greeting('last', false), greeting('and another', false)]))
    assert.equal(await nextAnswer(frames), 'last')
    assert.equal(await nextAnswer(frames), STATUS.ok)
    await closed(stream)
    assert.deepEqual(log.faults, ['server greet RPC_UNEXPECTED_FRAME'])
  })

  test('asks many times at once on one stream is answered in order', async (context) => {
    const server = await startRpcNode(context)
    const order: string[] = []
    server.services.rpc.handle(greet(), async (note) => {
      order.push(`begin ${note.text}`)
      await new Promise((resolve) => setImmediate(resolve))
      order.push(`end ${note.text}`)
      return note
    })
    const stream = await openRawStream(context, server, greet())
    const frames = new FrameStream(stream)
    stream.send(Buffer.concat([greeting('1', true), greeting('2', true), greeting('3', false)]))
    await stream.close()
    for (const text of ['1', '2', '3']) {
      assert.equal(await nextAnswer(frames), text)
      assert.equal(await nextAnswer(frames), STATUS.ok)
    }
    assert.equal(await nextAnswer(frames), undefined)
    assert.deepEqual(order, ['begin 1', 'end 1', 'begin 2', 'end 2', 'begin 3', 'end 3'])
    assert.equal(await closed(stream), 'closed')
  })

  test('asks on and on though it is told to wait is reset and reported', async (context) => {
    const log = faultLog()
    const limits = { clock: new ManualClock(), requestsPerSecond: 1_000, requestBurst: 1 }
    const server = await startRpcNode(context, { ...log, ...limits })
    let handled = 0
    server.services.rpc.handle(greet(), async (note) => {
      handled += 1
      return note
    })
    const stream = await openRawStream(context, server, greet())
    const frames = new FrameStream(stream)
    stream.send(Buffer.concat(Array.from({ length: 3 }, (_, i) => greeting(`${i}`, true))))
    assert.equal(await nextAnswer(frames), '0')
    assert.equal(await nextAnswer(frames), STATUS.ok)
    assert.equal(await nextAnswer(frames), STATUS.rateLimited)
    await assert.rejects(nextAnswer(frames), { code: 'RPC_STREAM_TORN' })
    assert.equal(handled, 1)
    assert.deepEqual(log.faults, ['server greet RPC_UNEXPECTED_FRAME'])
  })

  test('is refused often and waits in between keeps its stream', async (context) => {
    const log = faultLog()
    const clock = new ManualClock()
    const server = await startRpcNode(context, { ...log, clock, requestsPerSecond: 1_000, requestBurst: 1 })
    server.services.rpc.handle(greet(), async (note) => note)
    const stream = await openRawStream(context, server, greet())
    const frames = new FrameStream(stream)
    for (let round = 0; round < 300; round++) {
      stream.send(Buffer.concat([greeting('again', true), greeting('too soon', true)]))
      assert.equal(await nextAnswer(frames), 'again')
      assert.equal(await nextAnswer(frames), STATUS.ok)
      assert.equal(await nextAnswer(frames), STATUS.rateLimited)
      clock.advance(1)
    }
    assert.deepEqual(log.faults, [])
  })

  test('is not read before the time that it was told to come at, on any stream of the protocol', async (context) => {
    const results: string[] = []
    const server = await startRpcNode(context, {
      requestsPerSecond: 0.001,
      requestBurst: 1,
      onExchange: ({ protocol, result }) => results.push(`${protocol} ${result}`)
    })
    server.services.rpc.handle(greet(), async (note) => note)
    server.services.rpc.handle(deliver(), deliverParcels)
    const client = await startNode(context, { services: {} })
    const connection = await client.dial(server.getMultiaddrs())
    const open = async (protocol: { readonly name: string }) =>
      await connection.newStream(protocolId(CHAIN_ID, protocol.name))
    const first = await open(greet())
    first.send(Buffer.concat(Array.from({ length: 5 }, () => greeting('', true))))
    const frames = new FrameStream(first)
    for (let answers = 0; answers < 3; answers++) await nextAnswer(frames) // one, and that there are too many
    const second = await open(greet())
    second.send(greeting('', true))
    const other = await open(deliver())
    other.send(requestFrame(orderMessage, { count: 1, bytes: 1 }, false)) // comes after all of these
    await new FrameStream(other).read(LIMIT, PATIENCE_MS)
    assert.deepEqual(
      results.filter((result) => result.startsWith('greet')),
      ['greet ok', 'greet RPC_RATE_LIMITED']
    )
  })

  test('sends ahead more than two of the longest requests is reset and reported', async (context) => {
    const log = faultLog()
    const server = await startRpcNode(context, log)
    server.services.rpc.handle(greet(), async (note, { signal }) => {
      await once(signal, 'abort') // it is answered when nobody waits any more
      return note
    })
    const stream = await openRawStream(context, server, greet())
    stream.send(greeting('first', true))
    const other = Buffer.concat(Array.from({ length: 100 }, () => greeting('and another', true)))
    while (stream.status === 'open') {
      stream.send(other)
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.equal(await closed(stream), 'reset')
    assert.deepEqual(log.faults, ['server greet RPC_UNEXPECTED_FRAME'])
  })

  test('asks on over many streams though it is told to wait is reset and reported all the same', async (context) => {
    const log = faultLog()
    const limits = { clock: new ManualClock(), requestsPerSecond: 1_000, requestBurst: 1 }
    const server = await startRpcNode(context, { ...log, ...limits })
    server.services.rpc.handle(greet(), async (note) => note)
    const streams = await openRawStreams(context, server, greet(), 5)
    for (const stream of streams) stream.send(Buffer.concat(Array.from({ length: 3 }, () => greeting('', true))))
    assert.equal((await log.first).code, 'RPC_UNEXPECTED_FRAME')
  })

  test('closes without asking is no fault', async (context) => {
    const log = faultLog()
    const server = await startRpcNode(context, log)
    server.services.rpc.handle(greet(), async (note) => note)
    const stream = await openRawStream(context, server, greet())
    new FrameStream(stream) // lets the stream be read to its end
    await stream.close()
    assert.equal(await closed(stream), 'closed')
    assert.deepEqual(log.faults, [])
  })

  test('stops reading a long answer is reset after the write deadline, and reported', async (context) => {
    const log = faultLog()
    const server = await startRpcNode(context, { ...log, writeTimeoutMs: 200 })
    const ended = Promise.withResolvers<unknown>()
    server.services.rpc.handle(deliver(), async function* (_, { signal }) {
      try {
        for (let number = 1; ; number++) yield { number, content: new Uint8Array(64 * 1024) }
      } finally {
        ended.resolve(signal.reason)
      }
    })
    const stream = await openRawStream(context, server, deliver())
    stream.addEventListener('message', () => stream.pause()) // and never goes on
    stream.send(requestFrame(orderMessage, { count: 1, bytes: 1 }, true))
    const reason = await ended.promise
    assert.ok(reason instanceof RpcError)
    assert.equal(reason.code, 'RPC_TIMEOUT')
    assert.equal((await log.first).code, 'RPC_TIMEOUT')
    assert.equal(await closed(stream), 'reset')
    assert.deepEqual(log.faults, ['server deliver RPC_TIMEOUT'])
  })

  test('goes away aborts its handler, which is nobody’s fault', async (context) => {
    const log = faultLog()
    const { promise: recorded, resolve: onExchange } = Promise.withResolvers<unknown>()
    const failures: unknown[] = []
    const onHandlerFailure = (_: string, error: unknown) => failures.push(error)
    const server = await startRpcNode(context, { ...log, onHandlerFailure, onExchange })
    const begun = Promise.withResolvers<AbortSignal>()
    server.services.rpc.handle(greet(), async (_, { signal }) => {
      begun.resolve(signal)
      await once(signal, 'abort')
      throw signal.reason
    })
    const stream = await openRawStream(context, server, greet())
    stream.send(greeting('hello', false))
    assert.equal((await begun.promise).aborted, false)
    stream.abort(new Error('enough'))
    await recorded
    assert.deepEqual(log.faults, [])
    assert.deepEqual(failures, [])
  })

  test('gets no whole answer in time is reset, and the handler aborted, by no fault of the client', async (context) => {
    const log = faultLog()
    const server = await startRpcNode(context, log)
    const protocol = deliver({ totalMs: SHORT_MS })
    const ended = Promise.withResolvers<void>()
    server.services.rpc.handle(protocol, async function* (_, { signal }) {
      yield { number: 1, content: new Uint8Array(1) }
      await once(signal, 'abort')
      ended.resolve()
    })
    const stream = await openRawStream(context, server, protocol)
    const frames = new FrameStream(stream)
    stream.send(requestFrame(orderMessage, { count: 1, bytes: 1 }, true))
    const first = responseFrameMessage.decode((await frames.read(LIMIT, PATIENCE_MS)) ?? new Uint8Array(0))
    assert.equal(parcelMessage.decode(first.body ?? new Uint8Array(0)).number, 1)
    await assert.rejects(frames.read(LIMIT, PATIENCE_MS), { code: 'RPC_STREAM_TORN' })
    await ended.promise
    assert.deepEqual(log.faults, [])
  })
})
