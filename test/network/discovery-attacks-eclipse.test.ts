import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
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
