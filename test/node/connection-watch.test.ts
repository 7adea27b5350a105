import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import type { ConnectionGater, MultiaddrConnection } from '@libp2p/interface'
import { PING_PROTOCOL } from '@libp2p/ping'
import { pEvent } from 'p-event'
import { connectionWatch } from '../../src/node/connection-watch.ts'
import { until } from '../discovery/dht/start-dht.ts'
import { ManualClock } from '../peers/manual-clock.ts'
import { startNode } from '../peers/start-node.ts'

/** A node that watches a connection to a peer, which answers pings by the handler given, if any. */
async function meet(context: TestContext, answer?: Parameters<Awaited<ReturnType<typeof startNode>>['handle']>[1]) {
  const clock = new ManualClock()
  const node = await startNode(context, {
    services: { watch: connectionWatch({ clock, beatMs: 1_000, pingBeats: 10, deadBeats: 30 }) }
  })
  const sockets: MultiaddrConnection[] = []
  const connectionGater: ConnectionGater = {
    denyInboundEncryptedConnection: (_, socket) => {
      sockets.push(socket)
      return false
    }
  }
  const other = await startNode(context, { services: {}, connectionGater })
  if (answer !== undefined) await other.handle(PING_PROTOCOL, answer)
  const connection = await node.dial(other.getMultiaddrs())
  await until(context, () => sockets.length > 0)
  const [socket] = sockets
  assert.ok(socket)
  /** So many beats go by, each as soon as the one before has been. */
  const beats = async (count: number) => {
    for (let beat = 0; beat < count; beat++) {
      await until(context, () => clock.sleeping > 0)
      clock.advance(1_000)
    }
    await until(context, () => clock.sleeping > 0)
  }
  const newStream = connection.newStream.bind(connection)
  let begun = 0
  connection.newStream = (...options) => {
    begun += 1
    return newStream(...options)
  }
  /** So many pings, each of which is over before the next is due. */
  const pings = async (count: number) => {
    for (let ping = 0; ping < count; ping++) {
      const before = begun
      await beats(10)
      await until(context, () => begun === before + 1 && connection.streams.length === 0)
    }
  }
  await beats(1) // from now on the connection is known
  return { node, clock, connection, socket, beats, pings }
}

suite('the connection watch', () => {
  test('pings every connection, and keeps those that answer', async (context) => {
    const { connection, pings } = await meet(context, (stream) => {
      stream.addEventListener('message', ({ data }) => stream.send(data))
      stream.addEventListener('remoteCloseWrite', () => stream.close())
    })
    await pings(5)
    assert.equal(connection.status, 'open')
    assert.ok(connection.rtt !== undefined)
  })

  test('aborts a connection after thirty beats of silence, and not before', async (context) => {
    const { connection, socket, beats } = await meet(context, () => {})
    socket.pause() // as one whose cable was pulled: nothing is read there, and nothing said
    const closed = pEvent(connection, 'close')
    await beats(29)
    assert.equal(connection.status, 'open')
    await beats(1)
    await closed
    assert.equal(connection.status, 'aborted')
  })

  test('takes a time in which the process stood still for one beat', async (context) => {
    const { connection, socket, beats, clock } = await meet(context, () => {})
    socket.pause()
    await beats(20)
    clock.advance(3_600_000)
    await beats(8)
    assert.equal(connection.status, 'open')
  })

  test('takes a peer that knows no pings, or refuses them, for alive', async (context) => {
    const unknowing = await meet(context)
    const refusing = await meet(context, (stream) => stream.abort(new Error('no pings here')))
    for (const { connection, pings } of [unknowing, refusing]) {
      await pings(5)
      assert.equal(connection.status, 'open')
    }
  })

  test('leaves nothing behind when it stops in the middle of a ping', async (context) => {
    let pinged = 0
    const { node, clock, beats } = await meet(context, () => {
      pinged += 1
    })
    await beats(10)
    await until(context, () => pinged === 1)
    await node.stop()
    assert.equal(clock.sleeping, 0)
  })
})
