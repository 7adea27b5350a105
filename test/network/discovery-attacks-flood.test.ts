import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { MAX_NODE_INFOS } from '../../src/discovery/messages.ts'
import { type OpenRules, openNodeInfo } from '../../src/discovery/node-info.ts'
import { type DiscoveryNode, genesis, idsOf, informedOf, until } from '../discovery/start-discovery.ts'
import { makePeer } from '../peers/make-peer.ts'
import { ManualClock } from '../peers/manual-clock.ts'
import {
  type Attacker,
  countedBy,
  infoOf,
  inventInfos,
  sealFor,
  startAttacker,
  startPlaced
} from './discovery-attackers.ts'

const options = { timeout: 120_000 }
const CAPACITY = 200
const TICK_MS = 5_000
const DIALS_PER_TICK = 30

interface Flood {
  readonly attackers: readonly Attacker[]
  /** Whether everything was handed over. */
  readonly isOver: () => boolean
}

/** Attackers of one subnet who hand over one part of the infos after the other, each only once. */
async function startFlood(context: TestContext, infos: readonly Uint8Array[], count: number): Promise<Flood> {
  let next = 0
  const answer = async () => {
    next += MAX_NODE_INFOS
    return { knownInfos: infos.slice(next - MAX_NODE_INFOS, next) }
  }
  const hosts = Array.from({ length: count }, (_, number) => `127.0.9.${number + 1}`)
  const attackers = await Promise.all(hosts.map((host) => startAttacker(context, { host, answer })))
  return { attackers, isOver: () => next > infos.length }
}

/** Peers that wait to be dialled: they know of the first of them, and need nobody else. */
async function startHonest(context: TestContext, count: number, discoveryIntervalMs: number): Promise<DiscoveryNode[]> {
  const waiting = { targetConnections: 1, discoveryIntervalMs, privateNetwork: true }
  const nodes = [await startPlaced(context, { host: '127.0.10.1', config: waiting })]
  for (let number = 1; number < count; number += 1) {
    const init = { host: `127.0.${10 + number}.1`, config: waiting, seeds: nodes[0]?.addresses ?? [] }
    nodes.push(await startPlaced(context, init))
  }
  return nodes
}

/** The rules by which a peer opens what it is told. */
function rulesOf({ node }: Attacker): OpenRules {
  const { chainId } = genesis
  return { chainId, self: node.peerId, now: Date.now(), privateNetwork: true, newest: () => undefined, from: undefined }
}

/** Lets a flood come over a node that an honest peer and the attackers are the first to know, and looks at what it does. */
async function withstand(context: TestContext, { attackers, isOver }: Flood, honestTickMs: number): Promise<void> {
  const clock = new ManualClock(Date.now())
  const honest = await startHonest(context, 3, honestTickMs)
  const victim = await startPlaced(context, {
    clock,
    dht: false,
    seeds: [...attackers, ...honest.slice(0, 1)].flatMap(({ addresses }) => addresses),
    config: { discoveryIntervalMs: TICK_MS, maxKnownPeers: CAPACITY, privateNetwork: true }
  })
  const seeds = [...attackers.map(({ id }) => id), ...idsOf(...honest.slice(0, 1))]
  while (!seeds.every((id) => countedBy(victim).includes(id))) {
    clock.advance(TICK_MS) // five are gained a tick, and who was not reached is dialled again
    await delay(200, undefined, { signal: context.signal })
  }
  const visitor = await startAttacker(context, { host: '127.0.29.1', privateKey: (await makePeer(1)).privateKey })
  await visitor.node.dial(victim.node.getMultiaddrs())
  await visitor.introduce(victim, await sealFor(await makePeer(1), ['/ip4/127.0.29.1/tcp/1']))
  await until(context, () => infoOf(victim, visitor.id) !== undefined)
  await visitor.node.stop()
  const honestIds = idsOf(...honest)
  let ticks = 1
  const isDone = () => isOver() && honestIds.every((id) => countedBy(victim).includes(id))
  while (!isDone()) {
    const answers = victim.discovery.status().exchanges.succeeded
    clock.advance(TICK_MS)
    ticks += 1
    await until(context, () => {
      const { exchanges, dialling } = victim.discovery.status()
      return exchanges.succeeded > answers && exchanges.underWay === 0 && dialling === 0
    })
    assert.ok(informedOf(victim).length <= CAPACITY)
  }
  assert.ok(honestIds.every((id) => informedOf(victim).includes(id)))
  assert.ok(infoOf(victim, visitor.id), 'who was there once is not pushed out by those who never were')
  const { connected, failed } = victim.peers.counts().dials
  assert.ok(connected + failed <= ticks * DIALS_PER_TICK, `${connected + failed} dials in ${ticks} ticks`)
  const stranger = await startAttacker(context, { host: '127.0.30.1' })
  await stranger.node.dial(victim.node.getMultiaddrs())
  const { ownInfo, knownInfos } = await stranger.introduce(victim, undefined)
  assert.deepEqual(ownInfo, victim.discovery.ownInfo()?.sealed)
  const told = await Promise.all(knownInfos.map((sealed) => openNodeInfo(sealed, rulesOf(stranger))))
  const toldIds = new Set(told.map(({ peerId }) => peerId.toString()))
  assert.ok(
    honestIds.every((id) => toldIds.has(id)),
    'others learn of the honest ones still'
  )
}

test('10,000 invented peers fill no table, and keep nobody from the honest ones', options, async (context) => {
  const infos = await inventInfos(10_000, (number) => `/ip4/127.${1 + (number % 200)}.${number >> 8}.1/tcp/1`)
  await withstand(context, await startFlood(context, infos, 1), 3_600_000)
})

test('nor do those of many of one subnet, which honest peers pass on', options, async (context) => {
  const infos = await inventInfos(3_000, (number) => `/ip4/127.${1 + (number % 200)}.${number >> 8}.1/tcp/1`)
  await withstand(context, await startFlood(context, infos, 5), 1_000)
})
