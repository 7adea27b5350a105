import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { type Rpc, rpc } from '../../src/rpc/index.ts'
import { isSmaller } from '../../src/rpc/preferred-connection.ts'
import { deliver, greet, type Parcel } from '../rpc/test-protocols.ts'
import { addressesOf, isOpen, type PeersNode, type PeersNodeInit, startPeers, until } from './start-peers.ts'

type Node = PeersNode<{ rpc: Rpc }>

const chainId = new Uint8Array(32).fill(7)
/** Less than either side bears a superfluous connection that is in use. */
const WITHIN_GRACE_MS = 50_000
const GRACE_MS = 60_000
const FOLLOWER_GRACE_MS = 90_000

/** Two nodes, the one with the smaller peer id first. */
async function startTwo(
  context: TestContext,
  init: PeersNodeInit = {},
  idleStreamMs = 50
): Promise<[small: Node, large: Node]> {
  const services = { rpc: rpc({ chainId, idleStreamMs }) }
  const [a, b] = await Promise.all([startPeers(context, init, services), startPeers(context, init, services)])
  for (const { node } of [a, b]) node.services.rpc.handle(greet(), async (note) => note)
  return isSmaller(a.node.peerId, b.node.peerId) ? [a, b] : [b, a]
}

/** Dials whether or not there is a connection already. */
async function dialAnyway(context: TestContext, dialler: Node, dialled: Node, host = '127.0.0.1'): Promise<Connection> {
  const opened = once(dialled.node, 'connection:open', { signal: context.signal })
  const port = dialled.node.getMultiaddrs()[0]?.getComponents()[1]?.value
  const address = multiaddr(`/ip4/${host}/tcp/${port}/p2p/${dialled.node.peerId}`)
  const connection = await dialler.node.dial(address, { force: true })
  await opened
  return connection
}

const connectionsOf = ({ node }: Node): Connection[] => node.getConnections()
const call = ({ node }: Node, to: Node, text: string) => node.services.rpc.call(to.node.peerId, greet(), { text })

/** Moves the clocks, by so much at most, until each side has one connection, and they are the two ends of the same. */
async function settle(context: TestContext, nodes: readonly Node[], mostMs = WITHIN_GRACE_MS): Promise<void> {
  let moved = 0
  await until(context, () => {
    const ends = nodes.flatMap(connectionsOf)
    if (ends.length === 2 && new Set(ends.map(({ direction }) => direction)).size === 2) return true
    if (moved < mostMs) for (const { clock } of nodes) clock.advance(1_000)
    moved += 1_000
    return false
  })
}

/** Moves the clocks by steps, each seen by whoever sleeps. */
async function passTime(nodes: readonly Node[], milliseconds: number): Promise<void> {
  for (let moved = 0; moved < milliseconds; moved += 1_000) {
    for (const { clock } of nodes) clock.advance(1_000)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

test('two nodes that dial each other at once, again and again, come to the same one connection', async (context) => {
  const both = await startTwo(context)
  const [a, b] = both
  for (let round = 0; round < 10; round++) {
    const outcomes = await Promise.all([a.peers.dial(addressesOf(b)), b.peers.dial(addressesOf(a))])
    assert.ok(outcomes.includes('connected'), outcomes.join())
    const answers = Promise.all([call(a, b, 'there'), call(b, a, 'back')])
    await settle(context, both)
    assert.deepEqual(await answers, [{ text: 'there' }, { text: 'back' }])
    assert.deepEqual(await call(a, b, 'again'), { text: 'again' })
    for (const [one, other] of [
      [a, b],
      [b, a]
    ] as const) {
      assert.equal(one.peers.standing(other.node.peerId).backoffMs, 0)
      assert.deepEqual(one.reports, [])
    }
    await connectionsOf(a)[0]?.close()
    await until(context, () => connectionsOf(a).length + connectionsOf(b).length === 0)
    for (const { clock } of both) clock.advance(60_000) // connections as short-lived as these are followed by a wait
  }
  const [bySmall = 0, byLarge] = both.map(({ peers }) => peers.counts().closed.duplicate)
  assert.ok(bySmall > 0, 'no dials crossed')
  assert.equal(byLarge, 0, 'the one with the smaller id closes')
})

test('of two that crossed, both keep that of the smaller id, and the end of the other is no failed dial', async (context) => {
  for (const smallFirst of [true, false]) {
    const both = await startTwo(context)
    const [small, large] = both
    const order = smallFirst ? ([small, large] as const) : ([large, small] as const)
    await dialAnyway(context, ...order)
    await dialAnyway(context, order[1], order[0])
    assert.equal(small.peers.connected()[0]?.direction, 'outbound')
    assert.equal(large.peers.connected()[0]?.direction, 'inbound')
    await settle(context, both)
    assert.equal(connectionsOf(small)[0]?.direction, 'outbound')
    await connectionsOf(small)[0]?.close()
    await until(context, () => !isOpen(large, small.node.peerId))
    assert.equal(large.peers.canDial(small.node.peerId), true, 'its own connection was closed as superfluous')
  }
})

test('requests under way keep a superfluous connection until they are answered', async (context) => {
  const both = await startTwo(context)
  const [small, large] = both
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  for (const { node } of both) {
    node.services.rpc.handle(deliver(), async function* ({ count }) {
      for (let number = 1; number <= count; number++) {
        yield { number, content: new Uint8Array(1_000) }
        if (number === 1) await released
      }
    })
  }
  await dialAnyway(context, large, small)
  const superfluous = [...connectionsOf(small), ...connectionsOf(large)]
  const ask = async (from: Node, to: Node, onFirst: () => void): Promise<Parcel[]> => {
    const parcels: Parcel[] = []
    for await (const parcel of from.node.services.rpc.stream(to.node.peerId, deliver(), { count: 20, bytes: 1_000 })) {
      parcels.push(parcel)
      onFirst()
    }
    return parcels
  }
  let begun = 0
  const answers = Promise.all(
    Array.from({ length: 10 }, (_, index) => {
      const [from, to] = index % 2 === 0 ? both : ([large, small] as const)
      return ask(from, to, () => {
        begun += 1
      })
    })
  )
  await until(context, () => begun === 10)
  await dialAnyway(context, small, large)
  await passTime(both, WITHIN_GRACE_MS)
  await call(small, large, 'meanwhile')
  assert.deepEqual([connectionsOf(small).length, connectionsOf(large).length], [2, 2])
  release()
  for (const parcels of await answers) assert.equal(parcels.length, 20)
  await until(context, () => superfluous.every(({ streams }) => streams.length === 0))
  await settle(context, both, 5_000)
  assert.equal(connectionsOf(small)[0]?.direction, 'outbound')
  assert.deepEqual(
    both.flatMap(({ reports }) => reports),
    []
  )
})

test('streams kept from earlier requests do not keep a superfluous connection in use', async (context) => {
  const both = await startTwo(context, {}, 3_600_000)
  const [small, large] = both
  const greetings = (connection: Connection) => connection.streams.filter(({ protocol }) => protocol.includes('greet'))
  const superfluous = await dialAnyway(context, large, small)
  await Promise.all([call(large, small, 'first'), call(small, large, 'first')])
  assert.equal(greetings(superfluous).length, 2)
  const kept = await dialAnyway(context, small, large)
  await Promise.all([call(large, small, 'second'), call(small, large, 'second')])
  await until(context, () => greetings(superfluous).length === 0)
  assert.equal(greetings(kept).length, 2)
  await until(context, () => connectionsOf(small).every(({ id, streams }) => id === kept.id || streams.length === 0))
  await settle(context, both, 5_000)
})

test('what never runs dry is closed in the end', async (context) => {
  const both = await startTwo(context)
  const [small, large] = both
  const kept = await dialAnyway(context, small, large)
  const superfluous = await dialAnyway(context, large, small)
  await superfluous.newStream('/ipfs/ping/1.0.0')
  await passTime(both, GRACE_MS - 1_000)
  assert.equal(superfluous.status, 'open')
  await passTime(both, 2_000)
  await until(context, () => both.every((node) => connectionsOf(node).length === 1))
  assert.deepEqual(connectionsOf(small), [kept])
})

test('the side that leaves the choice to the other makes it when the other does not', async (context) => {
  const [small, large] = await startTwo(context)
  await dialAnyway(context, small, large)
  await dialAnyway(context, large, small)
  await passTime([large], FOLLOWER_GRACE_MS - 1_000)
  assert.equal(connectionsOf(large).length, 2)
  await passTime([large], 2_000)
  await until(context, () => connectionsOf(large).length === 1)
  assert.equal(connectionsOf(large)[0]?.direction, 'inbound')
  assert.equal(large.peers.connected().length, 1)
})

test('of two dials of one side, the newer is kept', async (context) => {
  for (const smallDials of [true, false]) {
    const both = await startTwo(context, { listen: '/ip4/0.0.0.0/tcp/0' })
    const [dialler, dialled] = smallDials ? both : [both[1], both[0]]
    await dialAnyway(context, dialler, dialled, '127.0.0.1')
    await new Promise((resolve) => setTimeout(resolve, 5)) // the age of connections is told to the millisecond
    const newer = await dialAnyway(context, dialler, dialled, '127.0.0.2')
    await settle(context, both)
    assert.deepEqual(connectionsOf(dialler), [newer])
  }
})

test('a peer has a few connections at most at any time', async (context) => {
  const [a, b] = await startTwo(context, { listen: '/ip4/0.0.0.0/tcp/0' })
  let most = 0
  b.node.addEventListener('connection:open', () => {
    most = Math.max(most, connectionsOf(b).filter(({ status }) => status === 'open').length)
  })
  for (let host = 1; host <= 10; host++) await dialAnyway(context, a, b, `127.0.0.${host}`)
  assert.ok(b.peers.counts().closed.duplicate >= 6)
  await until(context, () => connectionsOf(b).length <= 4)
  assert.equal(b.peers.connected().length, 1)
})

test('a node that stops while there are two leaves nothing behind, and does the same when it is started again', async (context) => {
  const both = await startTwo(context)
  const [small, large] = both
  await dialAnyway(context, small, large)
  await dialAnyway(context, large, small)
  assert.deepEqual(
    both.map(({ clock }) => clock.sleeping),
    [1, 1]
  )
  await Promise.all(both.map(({ node }) => node.stop()))
  assert.deepEqual(
    both.map(({ clock }) => clock.sleeping),
    [0, 0]
  )
  await Promise.all(both.map(({ node }) => node.start()))
  await dialAnyway(context, small, large)
  await dialAnyway(context, large, small)
  await settle(context, both)
})
