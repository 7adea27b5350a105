import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, type TestContext, test } from 'node:test'
import { startTwoNodes } from './network.ts'
import { deliver, greet } from './test-protocols.ts'

const protocol = greet()

/** The running timers that the room itself set. */
function trackTimers(context: TestContext): Set<unknown> {
  const running = new Set<unknown>()
  const { setTimeout: set, clearTimeout: clear } = globalThis
  const tracked = (callback: () => void, milliseconds: number) => {
    const timer = set(callback, milliseconds)
    if (new Error().stack?.includes('/src/rpc/')) running.add(timer)
    return timer
  }
  context.mock.method(globalThis, 'setTimeout', tracked as typeof set)
  context.mock.method(globalThis, 'clearTimeout', (timer: Parameters<typeof clear>[0]) => {
    running.delete(timer)
    clear(timer)
  })
  return running
}

describe('stop', () => {
  test('ends everything on both sides: idle streams, waiting calls, half-read answers, handlers and timers', async (context) => {
    const timers = trackTimers(context)
    const { client, server } = await startTwoNodes(context)
    const handling = Promise.withResolvers<void>()
    let handlerEnded = false
    server.services.rpc.handle(protocol, async (note, { signal }) => {
      if (note.text === 'wait') {
        handling.resolve()
        await once(signal, 'abort')
        await new Promise((resolve) => setImmediate(resolve))
        handlerEnded = true
      }
      return note
    })
    server.services.rpc.handle(deliver(), async function* (_, { signal }) {
      for (let number = 1; !signal.aborted; number++) yield { number, content: new Uint8Array(100_000) }
    })
    await client.services.rpc.call(server.peerId, protocol, { text: '' })
    const waiting = client.services.rpc.call(server.peerId, protocol, { text: 'wait' })
    const waitingEnds = assert.rejects(waiting, { code: 'RPC_NOT_CONNECTED' })
    await handling.promise
    const parcels = client.services.rpc.stream(server.peerId, deliver(), { count: 1, bytes: 1 })
    await parcels.next()

    assert.ok(timers.size > 0)
    await client.stop()
    await waitingEnds
    await server.stop()
    assert.equal(handlerEnded, true, 'stop waits for handlers')
    assert.equal(timers.size, 0)
    await assert.rejects(Array.fromAsync(parcels), { code: 'RPC_NOT_CONNECTED' })
    await assert.rejects(client.services.rpc.call(server.peerId, protocol, { text: '' }), { code: 'RPC_NOT_CONNECTED' })
  })

  test('resets the streams of a connection that stays, and waits for handlers', async (context) => {
    const { client, server } = await startTwoNodes(context)
    const handling = Promise.withResolvers<void>()
    let handlerEnded = false
    server.services.rpc.handle(protocol, async (note, { signal }) => {
      if (note.text !== 'wait') return note
      handling.resolve()
      await once(signal, 'abort')
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
      handlerEnded = true
      return note
    })
    await client.services.rpc.call(server.peerId, protocol, { text: '' })
    const [connection] = client.getConnections()
    assert.equal(connection?.streams.length, 1)
    await client.services.rpc.stop()
    assert.deepEqual(connection.streams, [])
    assert.equal(connection.status, 'open')

    await client.services.rpc.start()
    const waiting = client.services.rpc.call(server.peerId, protocol, { text: 'wait' })
    const waitingEnds = assert.rejects(waiting, { code: 'RPC_STREAM_TORN' })
    await handling.promise
    await server.services.rpc.stop()
    assert.equal(handlerEnded, true)
    assert.equal(connection.status, 'open')
    await waitingEnds
  })

  test('a server that stops tears what it answers, and serves again after a start', async (context) => {
    const { client, server } = await startTwoNodes(context)
    const handling = Promise.withResolvers<void>()
    server.services.rpc.handle(protocol, async (note, { signal }) => {
      if (note.text !== 'wait') return note
      handling.resolve()
      await once(signal, 'abort')
      throw signal.reason
    })
    const waiting = client.services.rpc.call(server.peerId, protocol, { text: 'wait' })
    const waitingEnds = assert.rejects(waiting, { code: 'RPC_STREAM_TORN' })
    await handling.promise
    await server.stop()
    await waitingEnds
    await server.start()
    await client.dial(server.getMultiaddrs())
    assert.deepEqual(await client.services.rpc.call(server.peerId, protocol, { text: 'again' }), { text: 'again' })
  })
})
