import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { AbortError, type Libp2p, type PeerId } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { createPeerGate, type PeersInit, peers } from '../../src/peers/index.ts'
import { RpcError } from '../../src/rpc/rpc-error.ts'
import { VerifyError } from '../../src/verify/verify-error.ts'
import { makePeers } from './make-peer.ts'
import { baseServices, startNode } from './start-node.ts'
import { startPeers } from './start-peers.ts'

const start = (context: TestContext, peersInit: Partial<PeersInit> = {}) =>
  startPeers(context, { peersInit: { random: { next: () => 1 }, ...peersInit } })

const [first, second] = await makePeers(2)
if (first === undefined || second === undefined) throw new Error('no peers')
const stranger = first.peerId
const other = second.peerId
const timeout = () => new RpcError('RPC_TIMEOUT', 'no answer')
const badFrame = () => new RpcError('RPC_BAD_FRAME', 'not a frame')
const lie = () => new VerifyError('BLOCK_BAD_SIGNATURE', 'forged')

const addressesOf = (node: Libp2p) => ({ peerId: node.peerId, addresses: node.getMultiaddrs() })
const isConnected = (node: Libp2p, peerId: PeerId) => node.getConnections(peerId).length > 0

test('a network fault costs a peer its turn until the backoff ends', async (context) => {
  const { peers, clock } = await start(context)
  assert.equal(peers.report(stranger, timeout()), 'backoff')
  assert.equal(peers.isAvailable(stranger), false)
  assert.equal(peers.backoffUntil(stranger), clock.monotonic() + 1_000)
  assert.equal(peers.isAvailable(other), true)
  clock.advance(1_000)
  assert.equal(peers.isAvailable(stranger), true)
})

test('a delivery ends the backoff and is measured', async (context) => {
  const { peers } = await start(context)
  peers.report(stranger, timeout())
  peers.delivered(stranger, 10_000)
  assert.equal(peers.isAvailable(stranger), true)
  peers.measured(stranger, { bytes: 100_000, firstByteMs: 20, milliseconds: 520, isWhole: true })
  const speed = { latencyMs: 20, bytesPerSecond: 200_000, hasAnswered: true }
  assert.deepEqual(peers.standing(stranger), { banned: false, penalty: 0, backoffMs: 0, speed })
})

test('a peer is left alone for as long as it asks, within bounds', async (context) => {
  const { peers, clock } = await start(context)
  peers.report(stranger, new RpcError('RPC_RATE_LIMITED', 'busy', { retryAfterMs: 30_000 }))
  assert.equal(peers.backoffUntil(stranger) - clock.monotonic(), 30_000)
})

test('violations add up to a ban', async (context) => {
  const { peers, gate } = await start(context)
  const consequences = [1, 2, 3, 4, 5].map(() => peers.report(stranger, badFrame()))
  assert.deepEqual(consequences, ['penalty', 'penalty', 'penalty', 'penalty', 'ban'])
  assert.equal(gate.isBanned(stranger), true)
  assert.equal(peers.isAvailable(stranger), false)
  assert.equal(gate.isBanned(other), false)
})

test('an error that is reported twice counts once', async (context) => {
  const { peers, reports } = await start(context)
  const error = badFrame()
  assert.deepEqual([peers.report(stranger, error), peers.report(stranger, error)], ['penalty', 'penalty'])
  assert.equal(peers.standing(stranger).penalty, 1)
  assert.equal(reports.length, 1)
  peers.report(other, error)
  assert.equal(peers.standing(other).penalty, 1)
})

test('violations far apart do not', async (context) => {
  const { peers, gate, clock } = await start(context)
  for (let i = 0; i < 20; i++) {
    peers.report(stranger, badFrame())
    clock.advance(3_600_000)
  }
  assert.equal(gate.isBanned(stranger), false)
})

test('errors that are not a peer’s fault have no consequence', async (context) => {
  const { peers, reports } = await start(context)
  assert.equal(peers.report(stranger, new AbortError('stopping')), 'none')
  assert.equal(peers.report(stranger, new TypeError('a bug')), 'none')
  assert.equal(peers.isAvailable(stranger), true)
  assert.equal(reports.length, 2)
})

test('the rooms above judge their own codes', async (context) => {
  const { peers, gate, reports } = await start(context)
  assert.equal(peers.report(stranger, new Error('theirs'), { consequence: 'ban', during: 'get-known-peers' }), 'ban')
  assert.equal(gate.isBanned(stranger), true)
  assert.equal(reports[0]?.during, 'get-known-peers')
})

test('a peer that the operator chose is reported rather than banned', async (context) => {
  const { peers, gate, reports, clock } = await start(context, { isTrusted: (peerId) => peerId.equals(stranger) })
  assert.equal(peers.report(stranger, lie()), 'backoff')
  assert.equal(gate.isBanned(stranger), false)
  assert.equal(peers.backoffUntil(stranger) - clock.monotonic(), 60_000)
  assert.deepEqual(
    reports.map(({ code, spared }) => [code, spared]),
    [['BLOCK_BAD_SIGNATURE', true]]
  )
})

test('a banned peer is disconnected, refused both ways while the ban lasts, and welcome after it', async (context) => {
  const honest = await start(context)
  const liar = await start(context)
  assert.equal(await honest.peers.dial(addressesOf(liar.node)), 'connected')
  const gone = once(liar.node, 'peer:disconnect')
  assert.equal(honest.peers.report(liar.node.peerId, lie()), 'ban')
  await gone
  assert.equal(isConnected(honest.node, liar.node.peerId), false)
  assert.equal(await honest.peers.dial(addressesOf(liar.node)), 'banned')
  await liar.node.dial(honest.node.getMultiaddrs()).catch(() => {})
  assert.equal(isConnected(honest.node, liar.node.peerId), false)
  honest.clock.advance(3_600_000)
  assert.equal(await honest.peers.dial(addressesOf(liar.node)), 'connected')
})

test('bans of the run before hold from the start', async (context) => {
  const records = new Map<string, Uint8Array>()
  const store = {
    getRecord: async (name: string) => records.get(name),
    setRecord: async (name: string, value: Uint8Array) => void records.set(name, value)
  }
  const before = createPeerGate({ records: store })
  before.ban(stranger, 3_600_000, 'reason')
  await before.flush()
  const gate = createPeerGate({ records: store })
  await startNode(context, {
    connectionGater: gate.connectionGater,
    services: { ...baseServices, peers: peers({ gate }) }
  })
  assert.equal(gate.isBanned(stranger), true)
})

test('oneself, the connected and those being dialled are not dialled', async (context) => {
  const a = await start(context)
  const b = await start(context)
  assert.equal(await a.peers.dial(addressesOf(a.node)), 'self')
  assert.equal(await a.peers.dial({ peerId: b.node.peerId, addresses: [] }), 'no-addresses')
  const both = await Promise.all([a.peers.dial(addressesOf(b.node)), a.peers.dial(addressesOf(b.node))])
  assert.deepEqual(both, ['connected', 'already-dialling'])
  assert.equal(await a.peers.dial(addressesOf(b.node)), 'already-connected')
  assert.equal(a.node.getConnections(b.node.peerId).length, 1)
})

test('a peer that cannot be reached is left alone for longer each time', async (context) => {
  const { peers, clock } = await start(context)
  const dead = { peerId: stranger, addresses: [multiaddr('/ip4/127.0.0.1/tcp/1')] }
  for (const wait of [1_000, 2_000, 4_000]) {
    assert.equal(await peers.dial(dead), 'failed')
    assert.equal(await peers.dial(dead), 'backoff')
    clock.advance(wait - 1)
    assert.equal(peers.canDial(stranger), false)
    clock.advance(1)
    assert.equal(peers.canDial(stranger), true)
  }
  assert.equal(peers.isAvailable(stranger), true, 'dials and requests have backoffs of their own')
})

test('whoever answers for another peer is not taken for it', async (context) => {
  const a = await start(context)
  const impostor = await start(context)
  const address = impostor.node.getMultiaddrs()[0]?.decapsulate('/p2p') ?? multiaddr('/')
  assert.equal(await a.peers.dial({ peerId: stranger, addresses: [address] }), 'failed')
  assert.deepEqual(a.node.getConnections(), [])
})

test('a dead address does not keep a peer from being reached at the next', async (context) => {
  const a = await start(context)
  const b = await start(context)
  const addresses = [multiaddr('/ip4/127.0.0.1/tcp/1'), ...b.node.getMultiaddrs()]
  assert.equal(await a.peers.dial({ peerId: b.node.peerId, addresses }), 'connected')
})

test('an address that never speaks does not use up the time of the next for ever', async (context) => {
  const silent = createServer()
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  context.after(() => silent.close())
  const { port } = silent.address() as AddressInfo
  const a = await start(context, { dialDeadlineMs: 200 })
  const b = await start(context)
  const peer = {
    peerId: b.node.peerId,
    addresses: [multiaddr(`/ip4/127.0.0.1/tcp/${port}`), ...b.node.getMultiaddrs()]
  }
  assert.equal(await a.peers.dial(peer), 'failed')
  a.clock.advance(1_000)
  assert.equal(await a.peers.dial(peer), 'connected')
})

test('a connection that ends at once counts as a failed dial', async (context) => {
  const a = await start(context)
  const b = await start(context)
  b.gate.ban(a.node.peerId, 3_600_000, 'reason')
  const closed = once(a.node, 'connection:close')
  const outcome = await a.peers.dial(addressesOf(b.node))
  if (outcome === 'connected') await closed
  assert.equal(a.peers.canDial(b.node.peerId), false)
})

test('connections that end soon are worth their dials when something useful came over them', async (context) => {
  const a = await start(context)
  const b = await start(context)
  for (let time = 1; time <= 4; time++) {
    assert.equal(await a.peers.dial(addressesOf(b.node)), 'connected', `time ${time}`)
    a.peers.delivered(b.node.peerId, 100)
    const closed = once(a.node, 'connection:close')
    for (const connection of a.node.getConnections(b.node.peerId)) connection.abort(new Error('lost'))
    await closed
    assert.equal(a.peers.canDial(b.node.peerId), false)
    a.clock.advance(1_000)
    assert.equal(a.peers.canDial(b.node.peerId), true, `time ${time}`)
  }
})

test('no more peers are dialled at once than configured', async (context) => {
  const a = await start(context, { maxParallelDials: 2 })
  const dead = (await makePeers(8)).map(({ peerId }) => ({ peerId, addresses: [multiaddr('/ip4/127.0.0.1/tcp/1')] }))
  const dials = dead.map((peer) => a.peers.dial(peer))
  assert.equal(a.peers.dialling, 8)
  assert.ok(a.node.getDialQueue().length <= 2)
  assert.deepEqual(new Set(await Promise.all(dials)), new Set(['failed']))
  assert.equal(a.peers.dialling, 0)
})

test('dials end when the caller or the service stops', async (context) => {
  const a = await start(context, { maxParallelDials: 1 })
  const [x, y] = await makePeers(2)
  if (x === undefined || y === undefined) throw new Error('no peers')
  const controller = new AbortController()
  const nowhere = [multiaddr('/ip4/127.0.0.1/tcp/1')]
  const running = a.peers.dial({ peerId: x.peerId, addresses: nowhere }, { signal: controller.signal })
  const waiting = a.peers.dial({ peerId: y.peerId, addresses: nowhere })
  controller.abort()
  assert.equal(await running, 'aborted')
  await a.node.stop()
  assert.ok(['aborted', 'failed'].includes(await waiting))
  assert.equal(await a.peers.dial({ peerId: y.peerId, addresses: nowhere }), 'aborted')
})
