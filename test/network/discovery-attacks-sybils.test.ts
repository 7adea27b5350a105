import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type DiscoveryNode, idsOf, until } from '../discovery/start-discovery.ts'
import { makePeer, type TestPeer } from '../peers/make-peer.ts'
import { type Attacker, countedBy, sealFor, startAttacker, startPlaced } from './discovery-attackers.ts'

const options = { timeout: 600_000 } // ten seconds of the machine's time, which others may want too
const TARGET = 8
const SYBILS = 50
/** What a node sets for this target. */
const victimInit = {
  dht: false, // nobody visits anybody for it: who leaves was pushed out
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

interface Siege {
  /** How often each sybil has tried to get in. */
  rounds(): number
}

/** Has the sybils dial a victim, one after the other and again and again, until the signal aborts. */
function besiege(victim: DiscoveryNode, sybils: readonly Attacker[], signal: AbortSignal): Siege {
  const rounds = Array.from({ length: CREWS }, () => 0)
  const attack = async (crew: number) => {
    while (!signal.aborted) {
      for (const { node, introduce } of sybils.filter((_, number) => number % CREWS === crew)) {
        if (node.getPeers().length > 0) continue
        try {
          await node.dial(victim.node.getMultiaddrs(), { signal })
          await introduce(victim, undefined)
        } catch {
          if (signal.aborted) return // else it was turned away
        }
      }
      rounds[crew] = (rounds[crew] ?? 0) + 1
      await nextTurn()
    }
  }
  for (const crew of rounds.keys()) void attack(crew)
  return { rounds: () => Math.min(...rounds) }
}

/** Peers of as many subnets who dial nobody, but know each other's first. */
async function startHonest(context: TestContext, count: number): Promise<DiscoveryNode[]> {
  const config = { targetConnections: 1, privateNetwork: true, discoveryIntervalMs: 1_000 }
  const first = await startPlaced(context, { dht: false, host: '127.0.10.1', config })
  const others = Array.from({ length: count - 1 }, (_, number) =>
    startPlaced(context, { dht: false, host: `127.0.${11 + number}.1`, seeds: first.addresses, config })
  )
  return [first, ...(await Promise.all(others))]
}

/** How often the sybils go round in that time: each tries at least once. */
const ROUNDS = 2

/** Waits for the victim to have settled, and has it keep its company while all the sybils try again and again. */
async function assertHoldsOut(
  context: TestContext,
  victim: DiscoveryNode,
  honest: readonly DiscoveryNode[],
  sybils: readonly Attacker[],
  siege: Siege
): Promise<void> {
  const honestIds = new Set(idsOf(...honest))
  const countHonest = () => countedBy(victim).filter((id) => honestIds.has(id)).length
  await until(context, () => countHonest() >= TARGET / 2 && victim.discovery.status().dialling === 0)
  for (const { node } of sybils) victim.peers.delivered(node.peerId, 100_000_000)
  const seen = [{ honest: countHonest(), of: countedBy(victim).length }]
  const look = () => seen.push({ honest: countHonest(), of: countedBy(victim).length })
  for (const type of ['peer:connect', 'peer:disconnect'] as const) victim.node.addEventListener(type, look)
  const { succeeded } = victim.discovery.status().exchanges
  const last = siege.rounds() + ROUNDS
  await until(context, () => {
    return siege.rounds() >= last && victim.discovery.status().exchanges.succeeded >= succeeded + 12
  })
  for (const type of ['peer:connect', 'peer:disconnect'] as const) victim.node.removeEventListener(type, look)
  const [before, ...since] = seen
  assert.ok(before)
  for (const now of seen) assert.ok(now.honest * 2 >= now.of, `${now.honest} honest ones of ${now.of}`)
  let most = before.honest
  for (const { honest: now } of since) {
    assert.ok(now >= most, 'no honest one was pushed out')
    most = now
  }
}

test('fifty sybils of one subnet that are first keep half of the connections from nobody', options, async (context) => {
  const peace = new AbortController()
  context.after(() => peace.abort())
  const [sybils, honest] = await Promise.all([startSybils(context), startHonest(context, 10)])
  const victim = await startPlaced(context, victimInit)
  const siege = besiege(victim, sybils, peace.signal)
  await until(context, () => siege.rounds() > 0)
  const sybilIds = new Set(sybils.map(({ id }) => id))
  assert.deepEqual(
    countedBy(victim).filter((id) => !sybilIds.has(id)),
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
  await assertHoldsOut(context, victim, honest, sybils, siege)
  peace.abort()
})

test('fifty sybils of one subnet that come later push out nobody', options, async (context) => {
  const peace = new AbortController()
  context.after(() => peace.abort())
  const [sybils, honest] = await Promise.all([startSybils(context), startHonest(context, 10)])
  const victim = await startPlaced(context, { ...victimInit, seeds: honest[0]?.addresses ?? [] })
  await until(context, () => countedBy(victim).length === TARGET)
  const siege = besiege(victim, sybils, peace.signal)
  await assertHoldsOut(context, victim, honest, sybils, siege)
  peace.abort()
})
