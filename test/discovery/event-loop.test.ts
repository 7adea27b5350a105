import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { PeerId } from '@libp2p/interface'
import type { AddressManager } from '@libp2p/interface-internal'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import type { DiscoveryEvent } from '../../src/discovery/discovery.ts'
import { EventLoop } from '../../src/discovery/event-loop.ts'
import { InfoIntake } from '../../src/discovery/info-intake.ts'
import { KeptCommittee } from '../../src/discovery/kept-committee.ts'
import { KnownPeers } from '../../src/discovery/known-peers.ts'
import type { GetKnownPeersRequest } from '../../src/discovery/messages.ts'
import { NamedPeers } from '../../src/discovery/named-peers.ts'
import { OwnInfo } from '../../src/discovery/own-info.ts'
import { Visits } from '../../src/discovery/visits.ts'
import type { PeerAddresses, Peers } from '../../src/peers/index.ts'
import type { Rpc } from '../../src/rpc/index.ts'
import { seededRandom } from '../../src/runtime/random.ts'
import { makePeers, type TestPeer } from '../peers/make-peer.ts'
import { ManualClock } from '../peers/manual-clock.ts'
import { CHAIN, NOW, seal } from './make-info.ts'

const [self, ...others] = (await makePeers(12)) as [TestPeer, ...TestPeer[]]
const [alice, bob] = others as [TestPeer, TestPeer]

/** A loop whose network is this test. */
function start(context: TestContext, { connected = [] as TestPeer[], unavailable = [] as TestPeer[] } = {}) {
  const clock = new ManualClock(NOW)
  const random = seededRandom(1)
  const ownAddresses: Multiaddr[] = []
  const asked: { readonly peer: string; readonly request: GetKnownPeersRequest }[] = []
  const dialled: string[] = []
  const events: DiscoveryEvent[] = []
  const isIn = (list: readonly TestPeer[], peerId: PeerId) => list.some((peer) => peer.peerId.equals(peerId))
  const peers = {
    connected: () => connected.map(({ peerId }) => ({ peerId, direction: 'inbound' })),
    protect: () => {},
    subnetOf: () => undefined,
    hasRoomAt: () => true,
    canDial: (peerId: PeerId) => !isIn(connected, peerId) && !dialled.includes(peerId.toString()),
    isAvailable: (peerId: PeerId) => !isIn(unavailable, peerId),
    report: () => 'none',
    dial: async ({ peerId }: PeerAddresses) => {
      dialled.push(peerId.toString())
      return 'connected'
    },
    dialling: 0
  } as unknown as Peers
  const rpc = {
    call: async (peerId: PeerId, _protocol: unknown, request: GetKnownPeersRequest) => {
      asked.push({ peer: peerId.toString(), request })
      return { ownInfo: undefined, knownInfos: [] }
    }
  } as unknown as Rpc
  const known = new KnownPeers({ capacity: 100, random, isConnected: (peerId) => isIn(connected, peerId) })
  const own = new OwnInfo({
    ...self,
    chainId: CHAIN,
    addressManager: { getAddresses: () => ownAddresses } as AddressManager,
    clock,
    privateNetwork: false,
    accessType: 'public',
    capabilities: () => []
  })
  const onEvent = (event: DiscoveryEvent) => events.push(event)
  const loop = new EventLoop({
    self: self.peerId,
    committee: new KeptCommittee({ self: self.peerId, count: 4, random }),
    known,
    own,
    intake: new InfoIntake({ chainId: CHAIN, self: self.peerId, known, peers, clock, privateNetwork: false, onEvent }),
    rpc,
    peers,
    config: {
      targetConnections: 20,
      discoveryIntervalMs: 5_000,
      privateNetwork: false,
      peersPerTick: 5,
      maxKnownPeers: 100,
      committeePeers: 4
    },
    clock,
    random,
    named: new NamedPeers(),
    feed: undefined,
    goodPeers: undefined,
    visits: new Visits(peers),
    requestFor: () => ({ ownInfo: own.current?.sealed, knownDigest: undefined, knownPrefixes: undefined }),
    onTick: () => {},
    onEvent,
    onFailure: (thrown) => assert.fail(String(thrown))
  })
  loop.start()
  context.after(() => loop.stop())
  /** Resolves when the loop has worked on everything so far. */
  const settled = async () => {
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
  }
  return { loop, clock, known, own, ownAddresses, asked, dialled, events, settled }
}

test('a peer that became known is dialled at once', async (context) => {
  const { loop, dialled, events, settled } = start(context)
  await settled()
  const received = { from: bob.peerId, ownInfo: undefined, relayed: [await seal(alice)] }
  loop.post({ type: 'asked', received, knowsMore: () => false })
  await settled()
  assert.deepEqual(dialled, [alice.peerId.toString()])
  assert.deepEqual(
    events.map(({ type }) => type),
    ['known']
  )
})

test('those asked before there was an address to give are asked again when there is one', async (context) => {
  const { loop, asked, ownAddresses, own, settled } = start(context, { connected: [alice] })
  await settled()
  const before = asked.length
  assert.ok(before > 0 && asked.every(({ request }) => request.ownInfo === undefined))
  ownAddresses.push(multiaddr('/ip4/8.8.8.8/tcp/1'))
  loop.post({ type: 'listening' })
  await settled()
  assert.equal(asked.length, before + 1)
  assert.deepEqual(asked.at(-1)?.request.ownInfo, own.current?.sealed)
  loop.post({ type: 'listening' })
  await settled()
  assert.equal(asked.length, before + 1)
})

test('a tick asks five of the connected peers, at random, and none in backoff', async (context) => {
  const unavailable = others.slice(0, 5)
  const { clock, asked, settled } = start(context, { connected: others, unavailable })
  await settled()
  const before = asked.length
  const choices = new Set<string>()
  for (let tick = 1; tick <= 5; tick++) {
    clock.advance(5_000)
    await settled()
    const chosen = asked.slice(before + (tick - 1) * 5).map(({ peer }) => peer)
    assert.equal(chosen.length, 5)
    for (const { peerId } of unavailable) assert.ok(!chosen.includes(peerId.toString()))
    choices.add(chosen.sort().join())
  }
  assert.ok(choices.size > 1)
})

test('a new connection is asked at once, though it is not its turn', async (context) => {
  const { loop, asked, events, settled } = start(context)
  await settled()
  loop.post({ type: 'connected', peerId: alice.peerId, isCaller: false })
  await settled()
  assert.deepEqual(
    asked.map(({ peer }) => peer),
    [alice.peerId.toString()]
  )
  assert.deepEqual(
    events.map(({ type }) => type),
    ['connected']
  )
})

test('one that dialled us is asked back where it knows more than we do', async (context) => {
  const { loop, asked, settled } = start(context)
  await settled()
  for (const [peer, knowsMore] of [
    [alice, false],
    [bob, true]
  ] as const) {
    loop.post({ type: 'connected', peerId: peer.peerId, isCaller: true })
    await settled()
    assert.deepEqual(asked, [])
    loop.post({
      type: 'asked',
      received: { from: peer.peerId, ownInfo: undefined, relayed: [] },
      knowsMore: () => knowsMore
    })
    await settled()
  }
  assert.deepEqual(
    asked.map(({ peer }) => peer),
    [bob.peerId.toString()]
  )
})

test('one that dialled us is asked once only for being new', async (context) => {
  const { loop, asked, settled } = start(context)
  await settled()
  const received = { from: alice.peerId, ownInfo: undefined, relayed: [] }
  loop.post({ type: 'connected', peerId: alice.peerId, isCaller: true })
  for (let i = 0; i < 3; i++) loop.post({ type: 'asked', received, knowsMore: () => true })
  await settled()
  assert.equal(asked.length, 1)
})

test('one that dialled us and does not ask is asked after a while, unless it has gone', async (context) => {
  const { loop, clock, asked, settled } = start(context, { connected: [alice, bob], unavailable: [alice, bob] })
  await settled()
  asked.length = 0
  loop.post({ type: 'connected', peerId: alice.peerId, isCaller: true })
  loop.post({ type: 'connected', peerId: bob.peerId, isCaller: true })
  loop.post({ type: 'disconnected', peerId: bob.peerId })
  for (let turn = 0; turn < 4; turn++) {
    clock.advance(1_000)
    await settled()
  }
  assert.deepEqual(
    asked.map(({ peer }) => peer),
    [alice.peerId.toString()]
  )
})

test('old infos are forgotten at a tick', async (context) => {
  const { loop, clock, known, settled } = start(context)
  loop.post({
    type: 'asked',
    received: { from: alice.peerId, ownInfo: await seal(alice), relayed: [] },
    knowsMore: () => false
  })
  await settled()
  assert.equal(known.list().length, 1)
  clock.advance(24 * 3_600_000 + 1)
  await settled()
  assert.equal(known.list().length, 0)
})

test('nothing is worked on after stop', async (context) => {
  const { loop, clock, asked, settled } = start(context)
  await settled()
  await loop.stop()
  assert.equal(clock.sleeping, 0)
  assert.equal(loop.post({ type: 'connected', peerId: alice.peerId, isCaller: false }), false)
  await settled()
  assert.deepEqual(asked, [])
})
