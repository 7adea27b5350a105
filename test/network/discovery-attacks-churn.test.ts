import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { idsOf, same, until } from '../discovery/start-discovery.ts'
import { countedBy, infoOf, inventPeer, sealFor, startAttacker, startPlaced } from './discovery-attackers.ts'

const options = { timeout: 120_000 }
/** More than any table of the victim holds. */
const IDENTITIES = 60
const KNOWN = 25

test('who comes under one fresh id after another fills no table, and pushes nobody out', options, async (context) => {
  const honest = await Promise.all(
    [1, 2, 3].map((number) =>
      startPlaced(context, {
        host: `127.0.${number}.1`,
        config: { targetConnections: 1, discoveryIntervalMs: 2_000, privateNetwork: true }
      })
    )
  )
  const victim = await startPlaced(context, {
    dht: false,
    seeds: honest.flatMap(({ addresses }) => addresses),
    config: { targetConnections: 6, maxKnownPeers: KNOWN, privateNetwork: true, discoveryIntervalMs: 1_000 },
    peersInit: { maxConnections: 8, maxPerSubnet: 3, maxPeers: 20 }
  })
  await until(context, () => idsOf(...honest).every((id) => countedBy(victim).includes(id)))
  for (let count = 0; count < IDENTITIES; count += 1) {
    const identity = await inventPeer()
    const attacker = await startAttacker(context, { host: '127.0.9.1', privateKey: identity.privateKey })
    try {
      await attacker.node.dial(victim.node.getMultiaddrs())
      await attacker.introduce(victim, await sealFor(identity, attacker.addresses))
    } catch {
      // it was refused for its subnet, or parted from
    }
    const isConnected = countedBy(victim)
    assert.ok(isConnected.length <= 8)
    assert.ok(idsOf(...honest).every((id) => isConnected.includes(id)))
    await attacker.node.stop()
  }
  assert.ok(victim.discovery.known().length <= KNOWN)
  assert.ok(idsOf(...honest).every((id) => infoOf(victim, id) !== undefined))
  await until(context, () => victim.node.getConnections().length === honest.length)
  // libp2p's own memory of peers: those who left are forgotten, with all that was noted of them afterwards
  const remembered = async () => (await victim.node.peerStore.all()).map(({ id }) => id.toString()).sort()
  while (!same(await remembered(), idsOf(...honest))) await nextTurn(undefined, { signal: context.signal })
})
