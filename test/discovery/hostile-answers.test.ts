import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { lpStream } from '@libp2p/utils'
import {
  type GetKnownPeersRequest,
  type GetKnownPeersResponse,
  getKnownPeersRequestMessage,
  MAX_NODE_INFOS,
  MAX_SIGNED_NODE_INFO_BYTES
} from '../../src/discovery/messages.ts'
import { getKnownPeers } from '../../src/discovery/protocols.ts'
import { protocolId, type RpcProtocol, rpc } from '../../src/rpc/index.ts'
import { bytes, message, optional, repeated } from '../../src/runtime/wire-message.ts'
import { makePeer, makePeers } from '../peers/make-peer.ts'
import { ManualClock } from '../peers/manual-clock.ts'
import { baseServices, startNode } from '../peers/start-node.ts'
import { seal } from './make-info.ts'
import { type DiscoveryNode, genesis, idsOf, informedOf, same, startDiscovery, until } from './start-discovery.ts'

const options = { timeout: 20_000 }
const MANY = 100_000

/** GetKnownPeers without the limits on an answer. */
const withoutLimits: RpcProtocol<GetKnownPeersRequest, GetKnownPeersResponse> = {
  ...getKnownPeers,
  request: getKnownPeersRequestMessage,
  response: message('GetKnownPeersResponse', {
    ownInfo: optional(bytes(1, { most: 4 * 1024 * 1024 })),
    knownInfos: repeated(bytes(2, { most: 4 * 1024 * 1024 }), MANY)
  }),
  maxResponseBytes: 4 * 1024 * 1024
}

const sealed = (number: number, content: Parameters<typeof seal>[1] = {}) =>
  makePeer(number).then((peer) =>
    seal(peer, { addresses: ['/ip4/127.0.0.1/tcp/1'], timestampMs: Date.now(), ...content }, genesis.chainId)
  )

/** A peer that answers with what it is told to. */
async function startLiar(
  context: TestContext,
  answer: (signal: AbortSignal) => Promise<Partial<GetKnownPeersResponse>>
) {
  const node = await startNode(context, {
    services: { ...baseServices, rpc: rpc({ chainId: genesis.chainId }) }
  })
  node.services.rpc.handle(withoutLimits, async (_request, { signal }) => ({
    ownInfo: undefined,
    knownInfos: [],
    ...(await answer(signal))
  }))
  return { node, addresses: node.getMultiaddrs().map(String) }
}

/** Whoever has met a liar goes on finding the others. */
async function assertUnhurt(context: TestContext, victim: DiscoveryNode): Promise<void> {
  const honest = await startDiscovery(context, { seeds: victim.addresses })
  await until(context, () => informedOf(victim).includes(honest.node.peerId.toString()))
  await until(context, () => same(informedOf(honest), idsOf(victim)))
}

const refusedBy = (victim: DiscoveryNode) => victim.discovery.status().infos.refused

test(
  'forged, re-signed, misattributed and stale infos are refused, and what is right beside them is taken',
  options,
  async (context) => {
    const forged = await sealed(1)
    forged[forged.byteLength - 1] = (forged[forged.byteLength - 1] ?? 0) ^ 1
    const [good, otherChain, old] = await Promise.all([
      sealed(2),
      makePeer(3).then((peer) => seal(peer, { timestampMs: Date.now(), addresses: ['/ip4/127.0.0.1/tcp/1'] })),
      sealed(4, { timestampMs: Date.now() - 25 * 3_600_000 })
    ])
    const [newer, older] = [
      await sealed(5),
      await sealed(5, { timestampMs: Date.now() - 60_000, addresses: ['/ip4/127.0.0.1/tcp/2'] })
    ]
    const hidden = await sealed(6, { accessType: 2 })
    const liar = await startLiar(context, async () => ({
      ownInfo: good, // another's, as its own
      knownInfos: [forged, otherChain, old, newer, older, hidden, new Uint8Array(10), good]
    }))
    const victim = await startDiscovery(context, { seeds: liar.addresses, peersInit: { maxPenalty: 1_000 } })
    await until(context, () => victim.discovery.status().exchanges.succeeded >= 3)
    await until(context, () => (refusedBy(victim).INFO_WRONG_SUBJECT ?? 0) >= 3)
    const { INFO_BAD_SIGNATURE, INFO_TOO_OLD, INFO_STALE, INFO_PRIVATE, INFO_UNPARSABLE } = refusedBy(victim)
    for (const count of [INFO_BAD_SIGNATURE, INFO_TOO_OLD, INFO_STALE, INFO_PRIVATE, INFO_UNPARSABLE]) assert.ok(count)
    const expected = (await Promise.all([2, 5].map(makePeer))).map(({ peerId }) => peerId.toString()).sort()
    assert.deepEqual(informedOf(victim), expected)
    const { peerId } = await makePeer(5)
    const newest = victim.discovery.known().find((peer) => peer.peerId.equals(peerId))
    assert.deepEqual(newest?.info?.sealed, newer)
    await assertUnhurt(context, victim)
  }
)

test('a stale info never replaces a newer one', options, async (context) => {
  const timestampMs = Date.now()
  const answers = [
    await sealed(1, { timestampMs, addresses: ['/ip4/127.0.0.1/tcp/2'] }),
    await sealed(1, { timestampMs: timestampMs - 1, addresses: ['/ip4/127.0.0.1/tcp/1'] })
  ]
  let asked = 0
  const liar = await startLiar(context, async () => ({
    knownInfos: [answers[Math.min(asked++, 1)] ?? new Uint8Array()]
  }))
  const victim = await startDiscovery(context, { seeds: liar.addresses })
  await until(context, () => (refusedBy(victim).INFO_STALE ?? 0) >= 2)
  const { peerId } = await makePeer(1)
  const known = victim.discovery.known().find((peer) => peer.peerId.equals(peerId))
  assert.deepEqual(known?.addresses.map(String), ['/ip4/127.0.0.1/tcp/2'])
})

test('who keeps handing over forged infos is banned', options, async (context) => {
  const forged = await sealed(1)
  forged[forged.byteLength - 1] = (forged[forged.byteLength - 1] ?? 0) ^ 1
  const liar = await startLiar(context, async () => ({ knownInfos: Array<Uint8Array>(50).fill(forged) }))
  const victim = await startDiscovery(context, { seeds: liar.addresses })
  await until(context, () => victim.gate.isBanned(liar.node.peerId))
  assert.equal(
    victim.events.filter(({ type }) => type === 'refused').length,
    5,
    'an answer counts once, whatever it holds'
  )
  await until(context, () => victim.node.getConnections(liar.node.peerId).length === 0)
  await assertUnhurt(context, victim)
})

test('an answer of too many infos is refused as a whole', options, async (context) => {
  const knownInfos = await Promise.all(Array.from({ length: MAX_NODE_INFOS + 1 }, (_, i) => sealed(i)))
  const liar = await startLiar(context, async () => ({ knownInfos }))
  const victim = await startDiscovery(context, { seeds: liar.addresses, peersInit: { maxPenalty: 1_000 } })
  await until(context, () => victim.discovery.status().exchanges.failed > 0)
  assert.deepEqual(informedOf(victim), [])
  assert.ok(victim.peers.standing(liar.node.peerId).penalty > 0)
  await assertUnhurt(context, victim)
})

test('a huge answer, and a huge info, are refused', options, async (context) => {
  for (const knownInfos of [[new Uint8Array(3 * 1024 * 1024)], [new Uint8Array(MAX_SIGNED_NODE_INFO_BYTES + 1)]]) {
    const liar = await startLiar(context, async () => ({ knownInfos }))
    const victim = await startDiscovery(context, { seeds: liar.addresses, peersInit: { maxPenalty: 1_000 } })
    await until(context, () => victim.peers.standing(liar.node.peerId).penalty > 0)
    assert.deepEqual(informedOf(victim), [])
    await assertUnhurt(context, victim)
  }
})

test('a peer that never answers holds up nobody else', options, async (context) => {
  const liar = await startLiar(context, async (signal) => {
    await once(signal, 'abort')
    return {}
  })
  const victim = await startDiscovery(context, { seeds: liar.addresses })
  await until(context, () => victim.discovery.status().exchanges.underWay === 1)
  await assertUnhurt(context, victim)
  assert.ok(victim.discovery.status().exchanges.underWay >= 1)
})

test('a flood of invented peers does not fill the table alone, nor beyond its bound', options, async (context) => {
  const inventions = await makePeers(600)
  const infos = await Promise.all(
    inventions.map((peer) =>
      seal(peer, { addresses: ['/ip4/127.0.0.1/tcp/1'], timestampMs: Date.now() }, genesis.chainId)
    )
  )
  let next = 0
  const liar = await startLiar(context, async () => {
    next += MAX_NODE_INFOS
    return { knownInfos: infos.slice(next - MAX_NODE_INFOS, next) }
  })
  const config = { maxKnownPeers: 100, targetConnections: 3 }
  const victim = await startDiscovery(context, {
    seeds: liar.addresses,
    config: { ...config, privateNetwork: true, discoveryIntervalMs: 20 }
  })
  const honest = await Promise.all(
    [1, 2].map(() => startDiscovery(context, { seeds: victim.addresses, config: { targetConnections: 1 } }))
  )
  await until(context, () => victim.discovery.status().infos.learned >= inventions.length)
  await until(context, () => idsOf(...honest).every((id) => informedOf(victim).includes(id)))
  assert.ok(informedOf(victim).length <= 100)
})

test('invented addresses make a node dial a bounded number of them, not everyone', options, async (context) => {
  let dialled = 0
  const target = createServer((socket) => {
    dialled += 1
    socket.destroy()
  })
  await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve))
  context.after(() => target.close())
  const { port } = target.address() as AddressInfo
  const knownInfos = await Promise.all(
    Array.from({ length: 60 }, (_, i) => sealed(i, { addresses: [`/ip4/127.0.0.1/tcp/${port}`] }))
  )
  const liar = await startLiar(context, async () => ({ knownInfos }))
  const clock = new ManualClock(Date.now())
  const victim = await startDiscovery(context, { clock, seeds: liar.addresses })
  const isQuiet = (count: number) => dialled >= count && victim.discovery.status().dialling === 0
  await until(context, () => victim.discovery.status().exchanges.succeeded > 0)
  clock.advance(10) // the seed was gained at the first turn
  await until(context, () => isQuiet(29))
  assert.equal(dialled, 29, 'thirty dials from one tick to the next, one of them to the seed')
  clock.advance(50)
  await until(context, () => isQuiet(59))
  assert.equal(dialled, 59)
})

test('a request with a forged own info is answered, and its info refused', options, async (context) => {
  const victim = await startDiscovery(context, { config: { discoveryIntervalMs: 3_600_000 } })
  await until(context, () => victim.discovery.ownInfo() !== undefined)
  const liar = await startLiar(context, async () => ({}))
  await liar.node.dial(victim.node.getMultiaddrs())
  const request = { ownInfo: await sealed(1), knownDigest: undefined, knownPrefixes: undefined }
  const { ownInfo } = await liar.node.services.rpc.call(victim.node.peerId, getKnownPeers, request)
  assert.deepEqual(ownInfo, victim.discovery.ownInfo()?.sealed)
  await until(context, () => refusedBy(victim).INFO_WRONG_SUBJECT === 1)
  assert.deepEqual(informedOf(victim), [])
})

test('what is no request at all costs the one who sent it', options, async (context) => {
  const victim = await startDiscovery(context)
  const liar = await startLiar(context, async () => ({}))
  await liar.node.dial(victim.node.getMultiaddrs())
  const stream = await liar.node.dialProtocol(victim.node.peerId, protocolId(genesis.chainId, getKnownPeers.name))
  await lpStream(stream).write(new Uint8Array(100).fill(0xff))
  await until(context, () => victim.peers.standing(liar.node.peerId).penalty > 0)
  await assertUnhurt(context, victim)
})
