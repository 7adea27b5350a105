import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type DiscoveryNode, idsOf, until } from '../discovery/start-discovery.ts'
import { makePeer, type TestPeer } from '../peers/make-peer.ts'
import { type Attacker, countedBy, sealFor, startAttacker, startPlaced } from './discovery-attackers.ts'

const options = { timeout: 120_000 }
const TARGET = 8
const SYBILS = 50
/** What a node sets for this target. */
const victimInit = {
  host: '127.0.0.1',
  config: { targetConnections: TARGET, discoveryIntervalMs: 300, privateNetwork: true },
  peersInit: { maxConnections: 16, outboundReserve: TARGET / 2, maxPerSubnet: 4 }
}

/** Peers of one subnet who name nobody but each other. */
async function startSybils(context: TestContext): Promise<Attacker[]> {
  const peers: TestPeer[] = await Promise.all(Array.from({ length: SYBILS }, (_, number) => makePeer(1_000 + number)))
  const infos: Uint8Array[] = []
  const answer = async () => ({ knownInfos: infos })
  const sybils = await Promise.all(
    peers.map(({ privateKey }, number) => startAttacker(context, { host: `127.0.9.${number + 1}`, privateKey, answer }))
  )
  for (const [number, { addresses }] of sybils.entries()) {
    infos.push(await sealFor(peers[number] as TestPeer, [addresses[0]?.split('/p2p/')[0] ?? '']))
  }
  return sybils
}

/** How many sybils dial at once: more would time each other out. */
const CREWS = 5

/** Has the sybils dial a victim, one after the other and again and again, until the signal aborts. Resolves when each has tried. */
async function besiege(victim: DiscoveryNode, sybils: readonly Attacker[], signal: AbortSignal): Promise<void> {
  const round = async (crew: number) => {
    for (const [number, { node, introduce }] of sybils.entries()) {
      if (number % CREWS !== crew || node.getPeers().length > 0) continue
      try {
        await node.dial(victim.node.getMultiaddrs(), { signal })
        await introduce(victim, undefined)
      } catch {
        if (signal.aborted) return // else it was turned away
      }
    }
  }
  const crews = Array.from({ length: CREWS }, (_, crew) => crew)
  await Promise.all(crews.map(round))
  for (const crew of crews) {
    const again = () => {
      if (!signal.aborted) void round(crew).then(() => setTimeout(again, 4_000).unref())
    }
    again()
  }
}

/** Peers of as many subnets who dial nobody, but know each other's first. */
async function startHonest(context: TestContext, count: number): Promise<DiscoveryNode[]> {
  const first = await startPlaced(context, {
    host: '127.0.10.1',
    config: { targetConnections: 1, privateNetwork: true, discoveryIntervalMs: 1_000 }
  })
  const others = Array.from({ length: count - 1 }, (_, number) =>
    startPlaced(context, {
      host: `127.0.${11 + number}.1`,
      seeds: first.addresses,
      config: { targetConnections: 1, privateNetwork: true, discoveryIntervalMs: 1_000 }
    })
  )
  return [first, ...(await Promise.all(others))]
}

/** Waits for the victim to have settled, and has it keep its company for many ticks. */
async function assertHoldsOut(
  context: TestContext,
  victim: DiscoveryNode,
  honest: readonly DiscoveryNode[],
  sybils: readonly Attacker[]
): Promise<void> {
  const honestIds = new Set(idsOf(...honest))
  const countHonest = () => countedBy(victim).filter((id) => honestIds.has(id)).length
  await until(context, () => countHonest() >= TARGET / 2 && victim.discovery.status().dialling === 0)
  for (const { node } of sybils) victim.peers.delivered(node.peerId, 100_000_000)
  const { succeeded } = victim.discovery.status().exchanges
  while (victim.discovery.status().exchanges.succeeded < succeeded + 12) {
    const { exchanges } = victim.discovery.status()
    await until(context, () => victim.discovery.status().exchanges.succeeded > exchanges.succeeded)
    const connected = countedBy(victim).length
    assert.ok(countHonest() * 2 >= connected, `${countHonest()} honest ones of ${connected}`)
  }
}

test('fifty sybils of one subnet that are first keep half of the connections from nobody', options, async (context) => {
  const siege = new AbortController()
  context.after(() => siege.abort())
  const [sybils, honest] = await Promise.all([startSybils(context), startHonest(context, 10)])
  const victim = await startPlaced(context, victimInit)
  await besiege(victim, sybils, siege.signal)
  assert.deepEqual(
    countedBy(victim).filter((id) => !sybils.some((sybil) => sybil.id === id)),
    []
  )
  const [first] = honest
  assert.ok(first)
  let isIn = false
  while (!isIn) {
    // the handshakes of a siege leave a slow machine little time for this one: who is honest tries again
    context.signal.throwIfAborted()
    isIn = await first.node.dial(victim.node.getMultiaddrs(), { signal: context.signal }).then(
      () => true,
      () => false
    )
  }
  await assertHoldsOut(context, victim, honest, sybils)
})

test('fifty sybils of one subnet that come later push out nobody', options, async (context) => {
  const siege = new AbortController()
  context.after(() => siege.abort())
  const [sybils, honest] = await Promise.all([startSybils(context), startHonest(context, 10)])
  const victim = await startPlaced(context, { ...victimInit, seeds: honest[0]?.addresses ?? [] })
  await until(context, () => countedBy(victim).length === TARGET)
  await besiege(victim, sybils, siege.signal)
  await assertHoldsOut(context, victim, honest, sybils)
})
