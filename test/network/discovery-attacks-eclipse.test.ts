import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { setTimeout as nextTurn } from 'node:timers/promises'
import { until } from '../discovery/start-discovery.ts'
import { makePeer } from '../peers/make-peer.ts'
import { countedBy, inventInfos, startAttacker, startPlaced } from './discovery-attackers.ts'

const options = { timeout: 60_000 }

/** A port that is free now. */
async function freePort(host: string): Promise<number> {
  const server = createServer().listen(0, host)
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('not listening')
  return address.port
}

test(
  'whoever has one subnet does not keep a node from its seeds, however fast and inventive',
  options,
  async (context) => {
    const [{ privateKey, peerId }, port] = await Promise.all([makePeer(1), freePort('127.0.1.1')])
    const infos = await inventInfos(200, (number) => `/ip4/127.${1 + number}.0.1/tcp/1`)
    const answer = async () => ({ knownInfos: infos })
    const sybils = await Promise.all(
      [1, 2, 3, 4, 5].map((number) => startAttacker(context, { host: `127.0.9.${number}`, answer }))
    )
    const victim = await startPlaced(context, { dht: false, seeds: [`/ip4/127.0.1.1/tcp/${port}/p2p/${peerId}`] })
    for (const { node } of sybils) await node.dial(victim.node.getMultiaddrs())
    await until(
      context,
      () => victim.discovery.status().infos.learned >= infos.length && countedBy(victim).length === 5
    )
    assert.equal(victim.discovery.status().isIsolated, true)
    await startPlaced(context, { host: '127.0.1.1', port, privateKey })
    await until(context, () => countedBy(victim).includes(peerId.toString()))
  }
)

test('nobody gets past the limit of a subnet by being elsewhere for a moment', options, async (context) => {
  const { privateKey } = await makePeer(2)
  const victim = await startPlaced(context, { dht: false, peersInit: { maxPerSubnet: 1 } })
  const [here, there, other] = await Promise.all([
    startAttacker(context, { host: '127.0.9.1', privateKey }),
    startAttacker(context, { host: '127.0.8.1', privateKey }),
    startAttacker(context, { host: '127.0.9.2' })
  ])
  const connections = () => victim.node.getConnections().length
  for (const [count, { node }] of [here, there, other].entries()) {
    await node.dial(victim.node.getMultiaddrs())
    await until(context, () => connections() === count + 1)
  }
  assert.deepEqual(countedBy(victim), [here.id, other.id].sort())
  await there.node.stop()
  await until(context, () => connections() === 1)
  assert.deepEqual(countedBy(victim), [other.id])
})

test(
  'connections without number to one peer are a few, and its coming and going costs nobody a place',
  options,
  async (context) => {
    const honest = await startPlaced(context, { host: '127.0.1.1' })
    const victim = await startPlaced(context, {
      seeds: honest.addresses,
      dht: false,
      peersInit: { maxConnections: 2, outboundReserve: 1 }
    })
    const honestId = honest.node.peerId.toString()
    await until(context, () => countedBy(victim).includes(honestId))
    const attacker = await startAttacker(context)
    const [address] = victim.node.getMultiaddrs()
    assert.ok(address)
    for (let count = 0; count < 50; count += 1) await attacker.node.dial(address, { force: true })
    await until(context, () => victim.node.getConnections(attacker.node.peerId).length <= 4)
    assert.deepEqual(countedBy(victim), [honestId, attacker.id].sort())
    for (let count = 0; count < 20; count += 1) {
      await attacker.node.hangUp(victim.node.peerId)
      await attacker.node.dial(address)
    }
    assert.ok(countedBy(victim).includes(honestId))
    assert.equal(victim.discovery.status().dropped, 0)
  }
)

test('peers that are gone, or never were, leave nothing behind', options, async (context) => {
  const infos = await inventInfos(60, (number) => `/ip4/127.${1 + number}.0.1/tcp/1`)
  const answer = async () => ({ knownInfos: infos })
  const victim = await startPlaced(context, { dht: false, config: { discoveryIntervalMs: 20, privateNetwork: true } })
  for (let number = 1; number <= 20; number += 1) {
    const attacker = await startAttacker(context, { host: `127.0.${number}.1`, answer })
    await attacker.node.dial(victim.node.getMultiaddrs())
    await until(context, () => countedBy(victim).includes(attacker.id))
    await attacker.introduce(victim, undefined)
    await attacker.node.stop()
  }
  await until(context, () => victim.node.getConnections().length === 0 && victim.peers.counts().dials.failed >= 60)
  const remembered = async () => (await victim.node.peerStore.all()).length
  while ((await remembered()) > 5) await nextTurn(20, undefined, { signal: context.signal })
})
