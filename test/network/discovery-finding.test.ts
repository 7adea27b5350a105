import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildGenesis } from '../../src/testing/genesis-builder.ts'
import { deriveValidatorKeys, networkPrivateKey } from '../../src/testing/validator-keys.ts'
import {
  connectedTo,
  type DiscoveryNode,
  type DiscoveryNodeInit,
  idsOf,
  informedOf,
  same,
  startDiscovery,
  until
} from '../discovery/start-discovery.ts'
import { makePeer } from '../peers/make-peer.ts'

const options = { timeout: 60_000 }

const knowEachOther = (nodes: readonly DiscoveryNode[]) =>
  nodes.every((node) => same(informedOf(node), idsOf(...nodes.filter((other) => other !== node))))

/** A seed, and others that know nobody but it. */
async function startAround(
  context: Parameters<typeof startDiscovery>[0],
  others: number,
  { seed: seedInit, ...init }: DiscoveryNodeInit & { seed: DiscoveryNodeInit }
): Promise<DiscoveryNode[]> {
  const seed = await startDiscovery(context, seedInit)
  const seeds = seed.addresses
  return [
    seed,
    ...(await Promise.all(Array.from({ length: others }, () => startDiscovery(context, { ...init, seeds }))))
  ]
}

/** Nobody is named by anyone, and no validator looked for: what is left is the rendezvous of the DHT. */
const mute = { relays: false, config: { committeePeers: 0 } }

test('eight nodes, of whom none ever names another, find each other through the DHT', options, async (context) => {
  const init = { ...mute, config: { ...mute.config, targetConnections: 28 } } // isolated until it has seven
  const nodes = await startAround(context, 7, { ...init, seed: init })
  await until(context, () => knowEachOther(nodes))
  const fromDht = nodes.flatMap(({ events }) =>
    events.filter((event) => event.type === 'known' && event.source === 'dht')
  )
  assert.ok(fromDht.length > 0, 'some were found by what they announced')
})

test('where nobody names another and there is no DHT, no more than the seed is found', options, async (context) => {
  const nodes = await startAround(context, 7, { ...mute, dht: false, seed: { ...mute, dht: false } })
  const [seed, ...others] = nodes
  assert.ok(seed)
  await until(context, () => others.every((node) => node.discovery.status().exchanges.succeeded > 10))
  for (const node of others) assert.deepEqual(informedOf(node), idsOf(seed))
})

test(
  'a node whose only working seed knows nobody by gossip finds the network through the DHT',
  options,
  async (context) => {
    // the seed of the network serves its DHT, and keeps to itself whom it knows
    const network = await startAround(context, 3, { config: mute.config, seed: mute })
    await until(context, () => knowEachOther(network))
    const dead = `/ip4/127.0.0.1/tcp/1/p2p/${(await makePeer(1)).peerId}`
    const [seed] = network
    const node = await startDiscovery(context, { ...mute, seeds: [dead, ...(seed?.addresses ?? [])] })
    await until(context, () => knowEachOther([node, ...network]))
  }
)

test('a node whose DHT is empty finds the network through gossip', options, async (context) => {
  const network = await startAround(context, 3, { dht: false, seed: { dht: false } })
  await until(context, () => knowEachOther(network))
  const node = await startDiscovery(context, { seeds: network[0]?.addresses ?? [] })
  await until(context, () => knowEachOther([node, ...network]))
  assert.equal(node.discovery.status().dht?.routingTable, 0)
  assert.equal(node.discovery.status().bySource.dht, 0)
})

test(
  'a validator whose address is not known is found by its id, and another whose address is dead',
  options,
  async (context) => {
    const keys = [0, 1].map((index) => deriveValidatorKeys(7, index))
    const init = { relays: false, config: { targetConnections: 1 } } // one peer, and a node looks for nobody but those it is to keep
    const [hub, lost, moved] = await Promise.all(
      [undefined, ...keys].map(async (key) =>
        startDiscovery(context, { ...init, ...(key && { privateKey: await networkPrivateKey(key) }) })
      )
    )
    assert.ok(hub && lost && moved)
    // as a private node it is dialled by nobody: it has to find them
    const near = await startDiscovery(context, { ...init, seeds: hub.addresses, accessType: 'private' })
    for (const validator of [lost, moved]) {
      validator.discovery.setConfiguredPeers([{ peerId: hub.node.peerId, addresses: hub.node.getMultiaddrs() }])
    }
    await until(context, () => same(connectedTo(hub), idsOf(lost, moved, near)))
    const { genesis } = buildGenesis({
      validators: keys.map((key, index) => ({ keys: key, addresses: index === 0 ? [] : ['/ip4/127.0.0.1/tcp/1'] })),
      startTimeMs: 0
    })
    near.discovery.setCommittee(genesis.committee)
    await until(context, () => same(connectedTo(near), idsOf(hub, lost, moved)))
    // nobody knows where it is: it was it who found them
    assert.ok(near.peers.connected().every(({ direction }) => direction === 'outbound'))
  }
)
