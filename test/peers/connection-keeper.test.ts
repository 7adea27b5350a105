import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { multiaddr } from '@multiformats/multiaddr'
import { createPeerGate, PeersError, peers } from '../../src/peers/index.ts'
import { RpcError } from '../../src/rpc/rpc-error.ts'
import { makePeer } from './make-peer.ts'
import { baseServices, startNode } from './start-node.ts'
import {
  addressesOf,
  connectedTo,
  idsOf,
  isOpen,
  loopbackSubnet,
  type PeersNode,
  type PeersNodeInit,
  startPeers,
  until
} from './start-peers.ts'

const torn = () => new RpcError('RPC_STREAM_TORN', 'the stream was torn')

/** Several nodes, each dialling from an address of its own. */
async function startMany(
  context: TestContext,
  froms: readonly string[],
  init: PeersNodeInit = {}
): Promise<PeersNode[]> {
  return await Promise.all(froms.map((dialFrom) => startPeers(context, { ...init, dialFrom })))
}

/** Dials one after the other, each as soon as the one before is connected or was refused. */
async function dialInTurn(context: TestContext, dialled: PeersNode, diallers: readonly PeersNode[]): Promise<void> {
  let answered = 0
  const count = () => {
    answered += 1
  }
  dialled.node.addEventListener('connection:open', count)
  for (const [index, dialler] of diallers.entries()) {
    await until(context, () => !isOpen(dialler, dialled.node.peerId))
    dialler.clock.advance(60_000) // those that were turned away before would wait
    const before = refusals(dialled)
    await dialler.peers.dial(addressesOf(dialled))
    await until(context, () => answered > index || refusals(dialled) > before)
    answered = index + 1
  }
  dialled.node.removeEventListener('connection:open', count)
  await until(context, () => dialled.node.getConnections().length === dialled.peers.connected().length)
}

function refusals({ peers }: PeersNode): number {
  return Object.values(peers.counts().refused).reduce((sum, count) => sum + count)
}

test('everyone connected is listed, with who dialled, from where and what it brings', async (context) => {
  const victim = await startPeers(context)
  const [a, b] = await startMany(context, ['127.0.1.1', '127.0.1.2'])
  if (a === undefined || b === undefined) throw new Error('no nodes')
  await dialInTurn(context, victim, [a])
  victim.clock.advance(5_000)
  assert.equal(await victim.peers.dial(addressesOf(b)), 'connected')
  victim.peers.delivered(a.node.peerId, 1_000_000)
  const [first, second] = victim.peers.connected()
  assert.deepEqual([first?.direction, first?.connectedMs, first?.isProtected], ['inbound', 5_000, false])
  assert.match(String(first?.address), /^\/ip4\/127\.0\.1\.1\//)
  assert.ok((first?.bytesPerMinute ?? 0) > 1_000)
  assert.deepEqual([second?.direction, second?.connectedMs, second?.bytesPerMinute], ['outbound', 0, 0])
  assert.deepEqual(connectedTo(victim), idsOf(a, b))
  await a.node.stop()
  await until(context, () => connectedTo(victim).length === 1)
  assert.deepEqual(connectedTo(victim), idsOf(b))
})

test('when there are too many, who delivered least has to go', async (context) => {
  const victim = await startPeers(context, { peersInit: { maxConnections: 3 } })
  const [a, b, c, d, e] = await startMany(context, Array(5).fill('127.0.0.1'))
  if (!a || !b || !c || !d || !e) throw new Error('no nodes')
  await dialInTurn(context, victim, [a, b, c])
  for (const [node, bytes] of [
    [a, 3_000],
    [b, 100_000],
    [c, 9_000_000]
  ] as const) {
    victim.peers.delivered(node.node.peerId, bytes)
  }
  await dialInTurn(context, victim, [d])
  assert.deepEqual(connectedTo(victim), idsOf(a, b, c), 'the newcomer, who has brought nothing')
  victim.peers.delivered(e.node.peerId, 50_000)
  await dialInTurn(context, victim, [e])
  assert.deepEqual(connectedTo(victim), idsOf(b, c, e))
  assert.equal(victim.peers.counts().closed.full, 2)
})

test('what was delivered long ago counts for little', async (context) => {
  const victim = await startPeers(context, { peersInit: { maxConnections: 2 } })
  const [a, b, c] = await startMany(context, Array(3).fill('127.0.0.1'))
  if (!a || !b || !c) throw new Error('no nodes')
  await dialInTurn(context, victim, [a, b])
  victim.peers.delivered(a.node.peerId, 1_000_000)
  victim.clock.advance(3_600_000)
  for (const { node } of [b, c]) victim.peers.delivered(node.peerId, 10_000)
  await dialInTurn(context, victim, [c])
  assert.deepEqual(connectedTo(victim), idsOf(b, c))
})

test('peers that we dialled are not pushed out by those who dial us', async (context) => {
  const victim = await startPeers(context, { peersInit: { maxConnections: 3, outboundReserve: 2 } })
  const [a, b, ...sybils] = await startMany(context, Array(6).fill('127.0.0.1'))
  if (!a || !b) throw new Error('no nodes')
  for (const node of [a, b]) assert.equal(await victim.peers.dial(addressesOf(node)), 'connected')
  for (const { node } of sybils) victim.peers.delivered(node.peerId, 1_000_000)
  await dialInTurn(context, victim, sybils)
  assert.deepEqual(connectedTo(victim).slice(0, 2), idsOf(a, b))
  assert.equal(connectedTo(victim).length, 3)
})

test('a node that others have filled still reaches those it dials', async (context) => {
  const victim = await startPeers(context, { peersInit: { maxConnections: 2, outboundReserve: 2 } })
  const [a, b, c, d] = await startMany(context, Array(4).fill('127.0.0.1'))
  if (!a || !b || !c || !d) throw new Error('no nodes')
  await dialInTurn(context, victim, [c, d])
  for (const { node } of [c, d]) victim.peers.delivered(node.peerId, 1_000_000)
  for (const node of [a, b]) {
    assert.equal(await victim.peers.dial(addressesOf(node)), 'connected')
    await until(context, () => victim.node.getConnections().length === 2)
  }
  assert.deepEqual(connectedTo(victim), idsOf(a, b))
})

test('protected peers are never evicted, until they are protected no longer', async (context) => {
  const victim = await startPeers(context, { peersInit: { maxConnections: 2 } })
  const [a, b, c] = await startMany(context, Array(3).fill('127.0.0.1'))
  if (!a || !b || !c) throw new Error('no nodes')
  victim.peers.protect('committee', [a.node.peerId, c.node.peerId])
  await dialInTurn(context, victim, [a, b])
  victim.peers.delivered(b.node.peerId, 1_000_000)
  await dialInTurn(context, victim, [c])
  assert.deepEqual(connectedTo(victim), idsOf(a, c))
  victim.peers.protect('configured', [b.node.peerId])
  await dialInTurn(context, victim, [b])
  assert.deepEqual(connectedTo(victim), idsOf(a, c, b), 'nobody could go')
  assert.equal(victim.peers.counts().protected, 3)
  victim.peers.protect('committee', [c.node.peerId])
  await until(context, () => !isOpen(victim, a.node.peerId))
  assert.deepEqual(connectedTo(victim), idsOf(c, b))
})

test('a subnet that is full is refused at the gate, and not dialled', async (context) => {
  const victim = await startPeers(context, { peersInit: { maxPerSubnet: 2, subnetOf: loopbackSubnet } })
  const sybils = await startMany(context, ['127.0.1.1', '127.0.1.2', '127.0.1.3', '127.0.2.1'])
  const [a, b, c, other] = sybils
  if (!a || !b || !c || !other) throw new Error('no nodes')
  await dialInTurn(context, victim, sybils)
  assert.deepEqual(connectedTo(victim), idsOf(a, b, other))
  assert.equal(victim.peers.counts().refused.subnet, 1)
  assert.equal(victim.peers.hasRoomAt(multiaddr('/ip4/127.0.1.9/tcp/1')), false)
  assert.equal(victim.peers.hasRoomAt(multiaddr('/ip4/127.0.2.9/tcp/1')), true)
  const there = { peerId: (await makePeer(1)).peerId, addresses: [multiaddr('/ip4/127.0.1.9/tcp/1')] }
  assert.equal(await victim.peers.dial(there), 'no-room')
  victim.peers.protect('committee', [there.peerId])
  assert.equal(await victim.peers.dial(there), 'failed', 'the protected count for no subnet')
})

test('protected peers take no place in their subnet', async (context) => {
  const victim = await startPeers(context, { peersInit: { maxPerSubnet: 1, subnetOf: loopbackSubnet } })
  const [a, b, c] = await startMany(context, ['127.0.1.1', '127.0.1.2', '127.0.1.3'])
  if (!a || !b || !c) throw new Error('no nodes')
  victim.peers.protect('committee', [a.node.peerId])
  await dialInTurn(context, victim, [a, b, c])
  assert.deepEqual(connectedTo(victim), idsOf(a, b))
  victim.peers.protect('committee', [])
  await until(context, () => !isOpen(victim, b.node.peerId))
  assert.deepEqual(connectedTo(victim), idsOf(a), 'the newest of a subnet goes first')
})

test('of those that slip past the gate at once, no more than the limit stay', async (context) => {
  const init = { withoutGate: true, peersInit: { maxPerSubnet: 2, subnetOf: loopbackSubnet } }
  const victim = await startPeers(context, init)
  const sybils = await startMany(context, ['127.0.1.1', '127.0.1.2', '127.0.1.3', '127.0.1.4', '127.0.1.5'])
  let most = 0
  victim.node.addEventListener('connection:open', () => {
    most = Math.max(most, victim.peers.connected().length)
  })
  await Promise.all(sybils.map((sybil) => sybil.peers.dial(addressesOf(victim))))
  await until(context, () => victim.peers.counts().closed.subnet === 3 && victim.node.getConnections().length === 2)
  assert.equal(most, 2)
})

test('a peer that was turned away is in no backoff, and to blame for nothing', async (context) => {
  const victim = await startPeers(context, { peersInit: { maxConnections: 1 } })
  const [a, b] = await startMany(context, Array(2).fill('127.0.0.1'))
  if (!a || !b) throw new Error('no nodes')
  assert.equal(await victim.peers.dial(addressesOf(a)), 'connected')
  victim.peers.delivered(a.node.peerId, 1_000)
  assert.equal(await victim.peers.dial(addressesOf(b)), 'no-room')
  await until(context, () => !isOpen(victim, b.node.peerId))
  assert.equal(victim.peers.canDial(b.node.peerId), true)
  assert.equal(victim.peers.report(b.node.peerId, torn()), 'none')
  assert.equal(victim.peers.report(b.node.peerId, new RpcError('RPC_BAD_FRAME', 'not a frame')), 'penalty')
  victim.clock.advance(5_000)
  assert.equal(victim.peers.report(b.node.peerId, torn()), 'backoff')
  assert.equal(victim.peers.report(a.node.peerId, torn()), 'backoff')
  assert.equal(b.peers.canDial(victim.node.peerId), true, 'it was dialled, and did not dial')
})

test('a peer that is no longer wanted is parted from without blame, unless it is protected', async (context) => {
  const victim = await startPeers(context)
  const [a, b] = await startMany(context, Array(2).fill('127.0.0.1'))
  if (!a || !b) throw new Error('no nodes')
  for (const node of [a, b]) assert.equal(await victim.peers.dial(addressesOf(node)), 'connected')
  victim.peers.protect('committee', [a.node.peerId])
  for (const { node } of [a, b]) victim.peers.part(node.peerId)
  assert.deepEqual(connectedTo(victim), idsOf(a))
  await until(context, () => !isOpen(victim, b.node.peerId))
  assert.equal(victim.peers.canDial(b.node.peerId), true)
  assert.equal(victim.peers.counts().closed.surplus, 1)
})

test('a peer that is no longer wanted, but has dialled us meanwhile, stays by its own connection', async (context) => {
  const victim = await startPeers(context)
  const other = await startPeers(context)
  const ours = await victim.node.dial(other.node.getMultiaddrs())
  await other.node.dial(victim.node.getMultiaddrs(), { force: true })
  await until(context, () => victim.node.getConnections().length === 2)
  victim.peers.part(other.node.peerId)
  assert.deepEqual(
    victim.peers.connected().map(({ direction }) => direction),
    ['inbound']
  )
  await until(context, () => ours.status === 'closed' && other.node.getConnections().length === 1)
  victim.peers.part(other.node.peerId)
  assert.deepEqual(connectedTo(victim), idsOf(other))
  assert.equal(victim.peers.counts().closed.surplus, 1)
})

test('whoever is in the allowlist gets in, over the limits and over a ban', async (context) => {
  const { privateKey, peerId } = await makePeer(7)
  const victim = await startPeers(context, {
    gateInit: { allowlist: [peerId.toString()] },
    peersInit: { maxConnections: 1, maxPerSubnet: 1, subnetOf: loopbackSubnet }
  })
  const [a] = await startMany(context, ['127.0.1.1'])
  const chosen = await startPeers(context, { privateKey, dialFrom: '127.0.1.2' })
  if (!a) throw new Error('no nodes')
  await dialInTurn(context, victim, [a])
  victim.peers.delivered(a.node.peerId, 1_000_000)
  victim.gate.ban(peerId, 3_600_000, 'BLOCK_BAD_SIGNATURE')
  assert.equal(victim.peers.isBanned(peerId), false)
  await dialInTurn(context, victim, [chosen])
  assert.deepEqual(connectedTo(victim), idsOf(chosen))
  const lie = Object.assign(new Error('theirs'), { code: 'X' })
  assert.equal(victim.peers.report(peerId, lie, { consequence: 'ban' }), 'backoff')
  assert.equal(victim.reports.at(-1)?.spared, true)
})

test('a private node lets in whom its operator chose, and nobody else', async (context) => {
  const { privateKey, peerId } = await makePeer(8)
  const victim = await startPeers(context, { gateInit: { onlyAllowlisted: true, allowlist: [peerId.toString()] } })
  const allowed = await startPeers(context, { privateKey })
  const [configured, member, stranger] = await startMany(context, Array(3).fill('127.0.0.1'))
  if (!configured || !member || !stranger) throw new Error('no nodes')
  victim.peers.protect('configured', [configured.node.peerId])
  victim.peers.protect('committee', [member.node.peerId])
  await dialInTurn(context, victim, [allowed, configured, member, stranger])
  assert.deepEqual(connectedTo(victim), idsOf(allowed, configured))
  assert.equal(victim.peers.counts().refused['not-allowed'], 2)
  assert.equal(await victim.peers.dial(addressesOf(member)), 'connected', 'it dials whom it wants')
})

test('no ban holds for a peer while the operator has it configured', async (context) => {
  const { peers, gate } = await startPeers(context)
  const { peerId } = await makePeer(9)
  gate.ban(peerId, 3_600_000, 'reason')
  peers.protect('committee', [peerId])
  assert.equal(peers.isBanned(peerId), true)
  peers.protect('configured', [peerId])
  assert.equal(peers.isBanned(peerId), false)
  peers.protect('configured', [])
  assert.equal(peers.isBanned(peerId), true)
})

test('an allowlist with something else than a peer id in it is refused', () => {
  const wrong = (error: unknown) => error instanceof PeersError && error.code === 'ALLOWLIST_INVALID'
  assert.throws(() => createPeerGate({ allowlist: ['nobody'] }), wrong)
  assert.throws(() => createPeerGate({ allowlist: [''] }), wrong)
  assert.throws(() => createPeerGate({ allowlist: ['/ip4/192.0.2.7/tcp/9000'] }), wrong)
})

test('limits that nobody can meet are refused', async (context) => {
  const gate = createPeerGate()
  for (const limit of [{ maxConnections: 0 }, { maxPerSubnet: Number.NaN }]) {
    const services = { ...baseServices, peers: peers({ gate, ...limit }) }
    await assert.rejects(startNode(context, { services }), RangeError)
  }
})

test('a node that was stopped keeps its limits when it is started again', async (context) => {
  const victim = await startPeers(context, { peersInit: { maxConnections: 1 } })
  const [a, b] = await startMany(context, Array(2).fill('127.0.0.1'))
  if (!a || !b) throw new Error('no nodes')
  await dialInTurn(context, victim, [a])
  await victim.node.stop()
  await victim.node.start()
  a.clock.advance(60_000)
  await dialInTurn(context, victim, [a, b])
  assert.equal(connectedTo(victim).length, 1)
})
