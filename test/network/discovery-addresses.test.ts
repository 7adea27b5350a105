import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { openMemoryStore } from '../../src/storage/index.ts'
import { buildGenesis } from '../../src/testing/genesis-builder.ts'
import { deriveValidatorKeys, networkPrivateKey } from '../../src/testing/validator-keys.ts'
import {
  breakOff,
  connectedTo,
  type DiscoveryNode,
  exchangesOf,
  genesis,
  idsOf,
  informedOf,
  same,
  startDiscovery,
  until
} from '../discovery/start-discovery.ts'
import { makePeer } from '../peers/make-peer.ts'
import { countDials } from './count-dials.ts'

const options = { timeout: 60_000 }
/** Looks for nobody. */
const idle = { targetConnections: 0 }
/** Where the victim of a liar dials from: others may dial what the liar tells. */
const VICTIM = '127.0.7.7'

/** Breaks a connection, and waits until there is another. */
async function breakAndMend(context: TestContext, node: DiscoveryNode, other: DiscoveryNode): Promise<void> {
  const isConnected = () => connectedTo(node).includes(other.node.peerId.toString())
  const { length } = node.events
  const isLost = () => node.events.slice(length).some(({ type }) => type === 'disconnected')
  breakOff(node, other.node.peerId)
  await until(context, () => isLost() && isConnected())
}

test('where the address of gossip is dead, that of the seed leads to a peer', options, async (context) => {
  const dead = await countDials(context)
  const moved = await startDiscovery(context, { announce: [dead.address], config: idle })
  const node = await startDiscovery(context, { seeds: moved.addresses })
  await until(context, () => same(informedOf(node), idsOf(moved)))
  await breakAndMend(context, node, moved)
  assert.ok(dead.diallers.length > 0, 'what it says itself is tried as well')
  const [known] = node.discovery.known()
  assert.equal(known?.source, 'gossip')
  assert.deepEqual(
    known?.addresses.map(String),
    [dead.address, ...moved.addresses.map((address) => address.replace(/\/p2p\/.*/, ''))],
    'gossip comes before seeds'
  )
})

test('where the address of gossip is dead, that of the cache leads to a peer', options, async (context) => {
  const dead = await countDials(context)
  const records = await openMemoryStore({ genesis })
  context.after(() => records.close())
  const moved = await startDiscovery(context, { announce: [dead.address], config: idle })
  const first = await startDiscovery(context, { seeds: moved.addresses, records })
  await until(context, () => same(informedOf(first), idsOf(moved)))
  await exchangesOf(context, [first], 2) // a tick has taken note of it
  await first.node.stop()
  const second = await startDiscovery(context, { records })
  await until(context, () => same(connectedTo(second), idsOf(moved)))
})

test('where the address of the operator is dead, that of gossip leads to a peer', options, async (context) => {
  const dead = await countDials(context)
  const friend = await startDiscovery(context, { config: idle })
  const hub = await startDiscovery(context, { configured: friend.addresses, config: idle })
  await until(context, () => informedOf(hub).length === 1)
  const node = await startDiscovery(context, {
    seeds: hub.addresses,
    configured: [`${dead.address}/p2p/${friend.node.peerId}`],
    dht: false
  })
  await until(context, () => same(connectedTo(node), idsOf(friend, hub)))
  assert.ok(dead.diallers.length > 0)
})

test('seeds are rested while there are peers enough, and dialled when there are not', options, async (context) => {
  const { peerId } = await makePeer(1)
  const dead = await countDials(context)
  const peer = await startDiscovery(context, { config: idle })
  const node = await startDiscovery(context, {
    configured: peer.addresses,
    seeds: [`${dead.address}/p2p/${peerId}`],
    config: { targetConnections: 4 }
  })
  await until(context, () => same(connectedTo(node), idsOf(peer)))
  assert.equal(node.discovery.status().isIsolated, false)
  await exchangesOf(context, [node], 20)
  assert.equal(dead.diallers.length, 0)
  await peer.node.stop()
  await until(context, () => dead.diallers.length > 2)
  assert.equal(node.discovery.status().isIsolated, true)
})

/**
 * A liar who tells everyone by identify, gossip and the DHT that it is where a trap is: those who hear it from the liar, and from a third who believes it.
 *
 * @returns whether the trap was dialled
 */
async function lureInto(context: TestContext, privateNetwork: boolean): Promise<boolean> {
  const trap = await countDials(context)
  const keys = deriveValidatorKeys(9, 0)
  const third = await startDiscovery(context, { config: idle })
  // it is to be kept, and has no address: it is looked for
  const { genesis: withLiar } = buildGenesis({ validators: [{ keys }], startTimeMs: 0 })
  const victim = await startDiscovery(context, {
    dialFrom: VICTIM,
    seeds: third.addresses,
    committee: withLiar.committee,
    config: { privateNetwork }
  })
  const liar = await startDiscovery(context, {
    privateKey: await networkPrivateKey(keys),
    announce: [trap.address],
    configured: [...third.addresses, ...victim.addresses],
    config: idle
  })
  await until(context, () => same(connectedTo(victim), idsOf(third, liar)) && connectedTo(third).length === 2)
  await until(context, () => informedOf(third).includes(liar.node.peerId.toString()))
  for (let times = 0; times < 5; times++) {
    await breakAndMend(context, victim, liar)
    await exchangesOf(context, [victim], 5)
  }
  await liar.node.stop()
  await exchangesOf(context, [victim], 20)
  assert.deepEqual(connectedTo(victim), idsOf(third))
  return trap.diallers.includes(VICTIM)
}

test('addresses of private ranges that a peer claims by identify are not dialled', options, async (context) => {
  assert.equal(await lureInto(context, false), false)
})

test('on a private network they are dialled', options, async (context) => {
  assert.equal(await lureInto(context, true), true)
})
