import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import type { Connection, Stream, StreamHandler } from '@libp2p/interface'
import type { ConnectionManager, Registrar } from '@libp2p/interface-internal'
import { PING_PROTOCOL } from '@libp2p/ping'
import { pEvent } from 'p-event'
import { pings } from '../../src/node/pings.ts'
import { until } from '../discovery/dht/start-dht.ts'
import { ManualClock } from '../peers/manual-clock.ts'
import { startNode } from '../peers/start-node.ts'

/** Two connected nodes, the first of which answers pings by the service; the stream is one of pings to the node named. */
async function meet(context: TestContext, pinged: 'node' | 'other') {
  const clock = new ManualClock()
  const node = await startNode(context, { services: { pings: pings({ clock, idleMs: 60_000, sweepMs: 2_000 }) } })
  const other = await startNode(context, { services: {} })
  await other.handle(PING_PROTOCOL, () => {}) // it leaves every ping open
  const [from, to] = pinged === 'node' ? [other, node] : [node, other]
  const connection = await from.dial(to.getMultiaddrs())
  const stream = await connection.newStream(PING_PROTOCOL)
  return { node, clock, stream }
}

async function ping(stream: Stream, payload: Uint8Array): Promise<Uint8Array> {
  const pong = pEvent<'message', { data: Uint8Array | { subarray(): Uint8Array } }>(stream, 'message')
  stream.send(payload)
  return (await pong).data.subarray()
}

suite('pings', () => {
  test('are answered by one stream for as long as they come', async (context) => {
    const { clock, stream } = await meet(context, 'node')
    for (let count = 0; count < 5; count++) {
      const payload = new Uint8Array(32).fill(count)
      assert.deepEqual(Buffer.from(await ping(stream, payload)), Buffer.from(payload))
      clock.advance(59_999)
    }
    assert.equal(stream.status, 'open')
  })

  test('that come no more have their stream reset', async (context) => {
    const { clock, stream } = await meet(context, 'node')
    await ping(stream, new Uint8Array(32))
    const closed = pEvent(stream, 'close')
    clock.advance(60_000)
    await closed
    assert.equal(stream.status, 'reset')
  })

  test('on a stream that was reset before anyone listened leave nothing running', async () => {
    const clock = new ManualClock()
    let answer: StreamHandler = () => assert.fail('no handler')
    const registrar = {
      handle: async (_: string, handler: StreamHandler) => {
        answer = handler
      },
      unhandle: async () => {}
    } as unknown as Registrar
    const connectionManager = { getConnections: () => [] } as unknown as ConnectionManager
    const service = pings({ clock })({ registrar, connectionManager })
    await service.start()
    const sleeping = clock.sleeping
    const stream = Object.assign(new EventTarget(), { status: 'reset', abort: () => {} }) as unknown as Stream
    await answer(stream, {} as Connection)
    assert.equal(clock.sleeping, sleeping)
    await service.stop()
  })

  test('that end are ended', async (context) => {
    const { stream } = await meet(context, 'node')
    await ping(stream, new Uint8Array(32))
    await Promise.all([pEvent(stream, 'close'), stream.close()])
    assert.equal(stream.status, 'closed')
  })

  test('of this node have their streams reset when the other side leaves them open', async (context) => {
    const { node, clock, stream } = await meet(context, 'other')
    clock.advance(2_000)
    await until(context, () => clock.sleeping > 0)
    assert.equal(stream.status, 'open') // under way
    await stream.close()
    for (let sweeps = 0; sweeps < 2; sweeps++) {
      clock.advance(2_000)
      await until(context, () => clock.sleeping > 0)
    }
    assert.equal(stream.status, 'aborted')
    await node.stop()
    assert.equal(clock.sleeping, 0)
  })
})
