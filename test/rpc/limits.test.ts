import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { RpcInit } from '../../src/rpc/index.ts'
import { ManualClock } from '../peers/manual-clock.ts'
import { startRpcNode, startTwoNodes } from './network.ts'
import { deliver, greet } from './test-protocols.ts'

const protocol = greet()

/** Holds handlers until they are let go. */
function gate() {
  const opened = Promise.withResolvers<void>()
  let entered = 0
  let target = { count: 0, reached: () => {} }
  return {
    open: () => opened.resolve(),
    async pass(): Promise<void> {
      entered += 1
      if (entered === target.count) target.reached()
      await opened.promise
    },
    /** Resolves when so many are held. */
    async holds(count: number): Promise<void> {
      if (entered >= count) return
      await new Promise<void>((resolve) => {
        target = { count, reached: resolve }
      })
    }
  }
}

describe('limits', () => {
  test('requests at once of a peer and protocol are refused above the limit, until one ends', async (context) => {
    const clock = new ManualClock()
    const { client, server } = await startTwoNodes(context, { client: { clock }, server: { maxInFlightPerPeer: 2 } })
    const held = gate()
    server.services.rpc.handle(protocol, async (note) => {
      if (note.text === 'hold') await held.pass()
      return note
    })
    server.services.rpc.handle(deliver(), async function* () {
      yield { number: 1, content: new Uint8Array(0) }
    })
    const call = (text: string) => client.services.rpc.call(server.peerId, protocol, { text })
    const holding = [call('hold'), call('hold')]
    await held.holds(2)
    await assert.rejects(call('more'), (error: { code?: string; retryAfterMs?: number }) => {
      return error.code === 'RPC_RATE_LIMITED' && (error.retryAfterMs ?? 0) > 0
    })
    const [other] = await Array.fromAsync(client.services.rpc.stream(server.peerId, deliver(), { count: 1, bytes: 1 }))
    assert.equal(other?.number, 1, 'another protocol has its own limit')
    held.open()
    await Promise.all(holding)
    clock.advance(100)
    assert.deepEqual(await call('again'), { text: 'again' })
  })

  test('as many workers as the limit are never refused, one request after the other', async (context) => {
    const { client, server } = await startTwoNodes(context, {
      server: { maxInFlightPerPeer: 4 },
      client: { maxIdleStreams: 2 }
    })
    server.services.rpc.handle(protocol, async (note) => note)
    const worker = async () => {
      for (let i = 0; i < 25; i++) await client.services.rpc.call(server.peerId, protocol, { text: '' })
    }
    await Promise.all([worker(), worker(), worker(), worker()])
  })

  test('requests at once of all peers are refused above the limit', async (context) => {
    const init: Partial<RpcInit> = { maxInFlight: 1 }
    const { client, server } = await startTwoNodes(context, { server: init })
    const second = await startRpcNode(context)
    await second.dial(server.getMultiaddrs())
    const held = gate()
    server.services.rpc.handle(protocol, async (note) => {
      await held.pass()
      return note
    })
    const holding = client.services.rpc.call(server.peerId, protocol, { text: '' })
    await held.holds(1)
    const refused = second.services.rpc.call(server.peerId, protocol, { text: '' })
    await assert.rejects(refused, { code: 'RPC_RATE_LIMITED' })
    held.open()
    await holding
  })

  test('the rate of a peer is limited, before its handler is called, and says until when', async (context) => {
    const clock = new ManualClock()
    const { client, server } = await startTwoNodes(context, {
      client: { clock },
      server: { clock, requestsPerSecond: 2, requestBurst: 3 }
    })
    let handled = 0
    server.services.rpc.handle(protocol, async (note) => {
      handled += 1
      return note
    })
    const call = () => client.services.rpc.call(server.peerId, protocol, { text: '' })
    for (let i = 0; i < 3; i++) await call()
    await assert.rejects(call(), { code: 'RPC_RATE_LIMITED', retryAfterMs: 500 })
    assert.equal(handled, 3)
    clock.advance(500)
    await call()
    await assert.rejects(call(), { code: 'RPC_RATE_LIMITED', retryAfterMs: 500 })
    assert.equal(client.getConnections()[0]?.streams.length, 1, 'refusals leave the stream as it is')
  })

  test('fifty requests at once have a stream each', async (context) => {
    const { client, server } = await startTwoNodes(context, { server: { maxInFlightPerPeer: 50, maxInFlight: 512 } })
    const held = gate()
    server.services.rpc.handle(protocol, async (note) => {
      await held.pass()
      return note
    })
    const calls = Array.from({ length: 50 }, (_, i) =>
      client.services.rpc.call(server.peerId, protocol, { text: `${i}` })
    )
    await held.holds(50)
    held.open()
    const texts = (await Promise.all(calls)).map(({ text }) => text)
    assert.deepEqual(
      texts,
      Array.from({ length: 50 }, (_, i) => `${i}`)
    )
  })
})
