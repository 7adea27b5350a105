import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, type TestContext, test } from 'node:test'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { Connection } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { createLibp2p, type Libp2p } from 'libp2p'
import { StreamOpenings, YAMUX_STREAM_OPTIONS } from '../../src/rpc/index.ts'
import { ManualClock } from '../peers/manual-clock.ts'

const PROTOCOL = '/test/1'
const RATE = { perSecond: 1, burst: 10 }

/** A node that counts the streams opened to it, and what it found too much, by peer. */
async function startCounting(context: TestContext, clock: ManualClock) {
  const excess: string[] = []
  const openings = new StreamOpenings({
    rate: RATE,
    clock,
    onExcess: (peer, { code }) => excess.push(`${code} by ${peer}`)
  })
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [openings.encrypter(noise())],
    streamMuxers: [openings.muxer(yamux({ streamOptions: YAMUX_STREAM_OPTIONS }))]
  })
  context.after(() => node.stop())
  await node.handle(PROTOCOL, () => {}, { maxInboundStreams: 1_000 })
  return { node, excess }
}

async function connect(context: TestContext, node: Libp2p): Promise<{ peer: Libp2p; connection: Connection }> {
  const peer = await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ streamOptions: YAMUX_STREAM_OPTIONS })]
  })
  context.after(() => peer.stop())
  return { peer, connection: await peer.dial(node.getMultiaddrs()) }
}

/** Opens streams and resets each. */
async function reset(connection: Connection, count: number): Promise<void> {
  for (let opened = 0; opened < count; opened++) (await connection.newStream(PROTOCOL)).abort(new Error('and again'))
}

describe('StreamOpenings', () => {
  test('aborts the connection of a peer that opens streams too often, and no other', async (context) => {
    const { node, excess } = await startCounting(context, new ManualClock())
    const greedy = await connect(context, node)
    const other = await connect(context, node)
    await reset(greedy.connection, RATE.burst)
    assert.deepEqual(excess, [])
    const closed = once(greedy.connection as unknown as EventTarget, 'close')
    await assert.rejects(reset(greedy.connection, 1))
    await closed
    assert.deepEqual(excess, [`RPC_TOO_MANY_STREAMS by ${greedy.peer.peerId}`])
    await reset(other.connection, RATE.burst)
    assert.equal(other.connection.status, 'open')
  })

  test('counts streams that are reset before their protocol is agreed on', async (context) => {
    const { node, excess } = await startCounting(context, new ManualClock())
    const { connection } = await connect(context, node)
    const closed = once(connection as unknown as EventTarget, 'close')
    for (let opened = 0; opened <= RATE.burst; opened++) {
      connection.newStream(PROTOCOL).catch(() => {}) // nothing of it is awaited
    }
    await closed
    assert.equal(excess.length, 1)
  })

  test('remembers a peer that connects anew, and lets it open more after a rest', async (context) => {
    const clock = new ManualClock()
    const { node, excess } = await startCounting(context, clock)
    const { peer, connection } = await connect(context, node)
    const overdo = async (on: Connection, count: number) => {
      const disconnected = once(peer as unknown as EventTarget, 'peer:disconnect')
      await assert.rejects(reset(on, count))
      await disconnected
    }
    await overdo(connection, RATE.burst + 1)
    await overdo(await peer.dial(node.getMultiaddrs()), 1)
    assert.equal(excess.length, 2)
    clock.advance(5_000)
    const again = await peer.dial(node.getMultiaddrs())
    await reset(again, 5)
    assert.equal(again.status, 'open')
    assert.equal(excess.length, 2)
  })
})
