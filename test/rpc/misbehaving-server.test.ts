import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { Stream } from '@libp2p/interface'
import { responseFrameMessage } from '../../src/rpc/frame-messages.ts'
import type { RpcErrorCode, RpcProtocol } from '../../src/rpc/index.ts'
import { bodyFrame, framed, statusFrame } from './frames.ts'
import { CHAIN_ID, startRpcNode, startTwoNodes } from './network.ts'
import { closed, faultLog, received, startScriptedServer } from './raw-peer.ts'
import { deliver, greet, type Note } from './test-protocols.ts'

const SHORT_MS = 40
const hello = bodyFrame({ text: 'hello' })

interface Misbehaviour {
  readonly name: string
  readonly code: RpcErrorCode
  readonly protocol?: RpcProtocol<Note, Note>
  /** What the server does once it has the request. */
  answer(stream: Stream): void | Promise<void>
}

function sends(...frames: Uint8Array[]): (stream: Stream) => void {
  return (stream) => void stream.send(Buffer.concat(frames))
}

function sendsThenCloses(...frames: Uint8Array[]): (stream: Stream) => Promise<void> {
  return async (stream) => {
    if (frames.length > 0) stream.send(Buffer.concat(frames))
    await stream.close()
  }
}

const misbehaviours: Misbehaviour[] = [
  { name: 'ends before an answer', code: 'RPC_STREAM_TORN', answer: sendsThenCloses() },
  { name: 'ends within a length', code: 'RPC_STREAM_TORN', answer: sendsThenCloses(Uint8Array.of(0x80)) },
  { name: 'ends after a length', code: 'RPC_STREAM_TORN', answer: sendsThenCloses(Uint8Array.of(5)) },
  { name: 'ends within a frame', code: 'RPC_STREAM_TORN', answer: sendsThenCloses(hello.subarray(0, -1)) },
  { name: 'ends between response and status', code: 'RPC_STREAM_TORN', answer: sendsThenCloses(hello) },
  { name: 'ends within the status', code: 'RPC_STREAM_TORN', answer: sendsThenCloses(hello, Uint8Array.of(2, 0x12)) },
  { name: 'resets instead of an answer', code: 'RPC_STREAM_TORN', answer: (stream) => stream.abort(new Error('no')) },
  {
    name: 'resets within a frame',
    code: 'RPC_STREAM_TORN',
    answer(stream) {
      stream.send(hello.subarray(0, -1))
      stream.abort(new Error('no'))
    }
  },
  { name: 'is silent', code: 'RPC_TIMEOUT', protocol: greet({ firstFrameMs: SHORT_MS }), answer: () => {} },
  {
    name: 'is silent within a frame',
    code: 'RPC_TIMEOUT',
    protocol: greet({ firstFrameMs: SHORT_MS }),
    answer: sends(hello.subarray(0, -1))
  },
  {
    name: 'is silent after the response',
    code: 'RPC_TIMEOUT',
    protocol: greet({ betweenFramesMs: SHORT_MS }),
    answer: sends(hello)
  },
  {
    name: 'is not done in the time for the whole',
    code: 'RPC_TIMEOUT',
    protocol: greet({ totalMs: SHORT_MS }),
    answer: sends(hello)
  },
  { name: 'states too long a frame', code: 'RPC_OVERSIZE_FRAME', answer: sends(Uint8Array.of(0x81, 0x08)) },
  { name: 'never ends a length', code: 'RPC_BAD_FRAME', answer: sends(new Uint8Array(1_000).fill(0x80)) },
  { name: 'sends garbage', code: 'RPC_BAD_FRAME', answer: sends(framed(Uint8Array.of(0xff, 0xff, 0xff))) },
  { name: 'sends an empty frame', code: 'RPC_BAD_FRAME', answer: sends(framed(new Uint8Array(0))) },
  {
    name: 'sends another message than it should',
    code: 'RPC_BAD_FRAME',
    answer: sends(framed(responseFrameMessage.encode({ body: Uint8Array.of(8, 1), status: undefined })))
  },
  { name: 'says ok without a response', code: 'RPC_BAD_FRAME', answer: sends(statusFrame()) },
  { name: 'responds twice', code: 'RPC_UNEXPECTED_FRAME', answer: sends(hello, hello, statusFrame()) },
  { name: 'goes on after the status', code: 'RPC_UNEXPECTED_FRAME', answer: sends(hello, statusFrame(), hello) },
  {
    name: 'begins something after the status',
    code: 'RPC_UNEXPECTED_FRAME',
    answer: sends(hello, statusFrame(), Uint8Array.of(0x80))
  }
]

describe('a server that', () => {
  for (const { name, code, protocol = greet(), answer } of misbehaviours) {
    test(`${name} gives ${code}, is reported, and its stream is reset`, async (context) => {
      const log = faultLog()
      const streams: Stream[] = []
      const script = async (stream: Stream) => {
        streams.push(stream)
        await received(stream)
        await answer(stream)
      }
      const { client, server } = await startScriptedServer(context, protocol, script, log)
      await assert.rejects(client.services.rpc.call(server.peerId, protocol, { text: 'hello' }), { code })
      assert.deepEqual(log.faults, [`client greet ${code}`])
      for (const stream of streams) assert.match(await closed(stream), /reset|aborted/)
      assert.ok(streams.length <= 1, 'a new stream is not tried again')
      assert.deepEqual(
        client.getConnections().flatMap((connection) => connection.streams),
        []
      )
    })
  }

  test('speaks between requests is reported', async (context) => {
    const log = faultLog()
    const spoken = Promise.withResolvers<void>()
    const script = async (stream: Stream) => {
      await received(stream)
      stream.send(Buffer.concat([hello, statusFrame()]))
      await spoken.promise
      stream.send(hello)
    }
    const { client, server } = await startScriptedServer(context, greet(), script, log)
    assert.deepEqual(await client.services.rpc.call(server.peerId, greet(), { text: '' }), { text: 'hello' })
    spoken.resolve()
    assert.equal((await log.first).code, 'RPC_UNEXPECTED_FRAME')
    assert.deepEqual(client.getConnections()[0]?.streams, [])
  })

  test('pauses in the middle of a long answer gives RPC_TIMEOUT after what it sent', async (context) => {
    const protocol = { ...greet({ betweenFramesMs: SHORT_MS }), kind: 'streaming' as const }
    const script = async (stream: Stream) => {
      await received(stream)
      stream.send(Buffer.concat([hello, hello, hello]))
    }
    const { client, server } = await startScriptedServer(context, protocol, script)
    const texts: string[] = []
    await assert.rejects(
      async () => {
        for await (const { text } of client.services.rpc.stream(server.peerId, protocol, { text: '' })) texts.push(text)
      },
      { code: 'RPC_TIMEOUT' }
    )
    assert.deepEqual(texts, ['hello', 'hello', 'hello'])
  })

  test('answers for ever gives RPC_TIMEOUT', async (context) => {
    const { client, server } = await startTwoNodes(context)
    server.services.rpc.handle(deliver(), async function* (_, { signal }) {
      for (let number = 1; !signal.aborted; number++) {
        yield { number, content: new Uint8Array(10) }
        await new Promise((resolve) => setImmediate(resolve))
      }
    })
    const endless = client.services.rpc.stream(server.peerId, deliver({ totalMs: 200 }), { count: 1, bytes: 1 })
    await assert.rejects(
      async () => {
        for await (const _ of endless);
      },
      { code: 'RPC_TIMEOUT' }
    )
  })

  test('is not blamed for a consumer that takes longer than the whole answer may', async (context) => {
    const { client, server } = await startTwoNodes(context)
    server.services.rpc.handle(deliver(), async function* () {
      for (let number = 1; number <= 3; number++) yield { number, content: new Uint8Array(10) }
    })
    const answer = client.services.rpc.stream(server.peerId, deliver({ totalMs: 1_000 }), { count: 3, bytes: 10 })
    let count = 0
    for await (const _ of answer) {
      count += 1
      await delay(600) // twice over the deadline in all
    }
    assert.equal(count, 3)
  })

  test('does not know the protocol gives RPC_UNSUPPORTED, which is no fault', async (context) => {
    const log = faultLog()
    const { client, server } = await startTwoNodes(context, { client: log })
    await assert.rejects(client.services.rpc.call(server.peerId, greet(), { text: '' }), { code: 'RPC_UNSUPPORTED' })
    assert.deepEqual(log.faults, [])
  })

  test('is of another chain gives RPC_UNSUPPORTED', async (context) => {
    const { client, server } = await startTwoNodes(context, { server: { chainId: CHAIN_ID.map((byte) => byte + 1) } })
    server.services.rpc.handle(greet(), async (note) => note)
    await assert.rejects(client.services.rpc.call(server.peerId, greet(), { text: '' }), { code: 'RPC_UNSUPPORTED' })
  })

  test('is not connected gives RPC_NOT_CONNECTED, which is no fault', async (context) => {
    const log = faultLog()
    const client = await startRpcNode(context, log)
    const server = await startRpcNode(context)
    await assert.rejects(client.services.rpc.call(server.peerId, greet(), { text: '' }), { code: 'RPC_NOT_CONNECTED' })
    assert.deepEqual(log.faults, [])
  })

  test('answers with a status of any kind commits no fault', async (context) => {
    const log = faultLog()
    const script = async (stream: Stream) => {
      for (;;) {
        await received(stream)
        stream.send(statusFrame({ code: 5 }))
      }
    }
    const { client, server } = await startScriptedServer(context, greet(), script, log)
    for (let i = 0; i < 3; i++) {
      await assert.rejects(client.services.rpc.call(server.peerId, greet(), { text: '' }), { code: 'RPC_INTERNAL' })
    }
    assert.deepEqual(log.faults, [])
  })
})
