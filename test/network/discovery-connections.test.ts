import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerId } from '@libp2p/interface'
import { buildGenesis } from '../../src/testing/genesis-builder.ts'
import { deriveValidatorKeys, networkPrivateKey } from '../../src/testing/validator-keys.ts'
import {
  connectedTo,
  type DiscoveryNode,
  exchangesOf,
  idsOf,
  same,
  startDiscovery,
  until
} from '../discovery/start-discovery.ts'
import { makePeers } from '../peers/make-peer.ts'

const options = { timeout: 60_000 }

/** Whom a node counts as connected, sorted: libp2p lists those as well that are being parted from. */
const keptBy = ({ peers }: DiscoveryNode) =>
  peers
    .connected()
    .map(({ peerId }) => peerId.toString())
    .sort()

/** The most peers that a node has counted as connected at a time, from now on. */
function highWater(node: DiscoveryNode): () => number {
  let most = node.peers.connected().length
  node.node.addEventListener('connection:open', () => {
    most = Math.max(most, node.peers.connected().length)
  })
  return () => most
}

test('of nine who want to be connected to it, a node keeps the five that deliver most', options, async (context) => {
  const hub = await startDiscovery(context, {
    config: { targetConnections: 5 },
    peersInit: { maxConnections: 5, outboundReserve: 0 }
  })
  const most = highWater(hub)
  const others = await makePeers(9)
  for (const [index, { peerId }] of others.entries()) hub.peers.delivered(peerId, 1_000_000 * (index + 1))
  const nodes = await Promise.all(
    others.map(({ privateKey }) =>
      startDiscovery(context, { privateKey, configured: hub.addresses, config: { targetConnections: 2 } })
    )
  )
  const best = nodes.slice(4)
  await until(context, () => same(keptBy(hub), idsOf(...best)))
  await exchangesOf(context, [hub], 20)
  await until(context, () => same(keptBy(hub), idsOf(...best)))
  assert.equal(most(), 5)
  assert.ok(hub.peers.counts().closed.full > 0)
})

test(
  'configured peers are never evicted, whatever they deliver, and come in when it is full',
  options,
  async (context) => {
    const hub = await startDiscovery(context, {
      config: { targetConnections: 0 },
      peersInit: { maxConnections: 2, outboundReserve: 0 }
    })
    const seeds = hub.addresses
    const [busy, busier] = [
      await startDiscovery(context, { configured: seeds }),
      await startDiscovery(context, { configured: seeds })
    ]
    await until(context, () => same(keptBy(hub), idsOf(busy, busier)))
    for (const { node } of [busy, busier]) hub.peers.delivered(node.peerId, 1_000_000)

    const friend = await startDiscovery(context)
    hub.discovery.setConfiguredPeers([{ peerId: friend.node.peerId, addresses: friend.node.getMultiaddrs() }])
    const holds = (node: DiscoveryNode) => keptBy(hub).includes(node.node.peerId.toString())
    await until(context, () => holds(friend) && keptBy(hub).length === 2)
    hub.peers.delivered(friend.node.peerId, 1)
    let wasLost = false
    hub.node.addEventListener('peer:disconnect', ({ detail }: CustomEvent<PeerId>) => {
      if (detail.equals(friend.node.peerId)) wasLost = true
    })
    const { full } = hub.peers.counts().closed
    await until(context, () => hub.peers.counts().closed.full > full + 5) // the one that was evicted comes again and again
    assert.equal(wasLost, false)
    assert.ok(holds(friend))
  }
)

test('who is in the allowlist gets in when the node is full', options, async (context) => {
  const [{ privateKey, peerId }] = (await makePeers(1)) as [Awaited<ReturnType<typeof makePeers>>[number]]
  const hub = await startDiscovery(context, {
    config: { targetConnections: 0 },
    peersInit: { maxConnections: 1 },
    gateInit: { allowlist: [peerId.toString()] }
  })
  const first = await startDiscovery(context, { configured: hub.addresses })
  await until(context, () => same(keptBy(hub), idsOf(first)))
  hub.peers.delivered(first.node.peerId, 1_000_000)
  const chosen = await startDiscovery(context, { privateKey, configured: hub.addresses })
  await until(context, () => same(keptBy(hub), idsOf(chosen)))
  const { full } = hub.peers.counts().closed
  await until(context, () => hub.peers.counts().closed.full > full + 3)
  assert.ok(keptBy(hub).includes(peerId.toString()))
})

test('where only the allowlist may come in, nobody else does', options, async (context) => {
  const [{ privateKey, peerId }] = (await makePeers(1)) as [Awaited<ReturnType<typeof makePeers>>[number]]
  const hub = await startDiscovery(context, {
    config: { targetConnections: 0 },
    gateInit: { allowlist: [peerId.toString()], onlyAllowlisted: true }
  })
  const opened = new Set<string>()
  hub.node.addEventListener('peer:connect', ({ detail }) => opened.add(detail.toString()))
  await startDiscovery(context, { seeds: hub.addresses })
  await startDiscovery(context, { configured: hub.addresses })
  const chosen = await startDiscovery(context, { privateKey, seeds: hub.addresses })
  await until(context, () => same(connectedTo(hub), idsOf(chosen)) && hub.peers.counts().refused['not-allowed'] > 6)
  assert.deepEqual([...opened], idsOf(chosen))
})

test('a validator has its committee outside its target, a full node a few of it within', options, async (context) => {
  const keys = [0, 1, 2, 3].map((index) => deriveValidatorKeys(8, index))
  const idle = { config: { targetConnections: 0 }, dht: false }
  const [self, ...others] = await Promise.all(keys.map(networkPrivateKey))
  assert.ok(self)
  const validators = await Promise.all(others.map((privateKey) => startDiscovery(context, { ...idle, privateKey })))
  const { genesis } = buildGenesis({
    validators: keys.map((key, index) => ({ keys: key, addresses: validators[index - 1]?.addresses ?? [] })),
    startTimeMs: 0
  })
  const seeds: string[] = []
  for (let count = 0; count < 4; count++) {
    const { addresses } = await startDiscovery(context, { ...idle, seeds })
    seeds.push(...addresses)
  }
  const start = (init: Parameters<typeof startDiscovery>[1]) =>
    startDiscovery(context, {
      committee: genesis.committee,
      config: { targetConnections: 2, committeePeers: 1 },
      seeds,
      dht: false,
      accessType: 'private', // neither is dialled by the other
      ...init
    })
  const validator = await start({ privateKey: self })
  const full = await start({})
  const inCommittee = (node: DiscoveryNode) => keptBy(node).filter((id) => idsOf(...validators).includes(id)).length
  const isSettled = () =>
    inCommittee(validator) === 3 &&
    keptBy(validator).length === 5 &&
    inCommittee(full) >= 1 &&
    keptBy(full).length === 2
  await until(context, isSettled)
  await exchangesOf(context, [validator, full], 20)
  assert.ok(isSettled())
})
