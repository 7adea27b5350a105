import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { Libp2p, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { rendezvousKey } from '../../src/discovery/dht/rendezvous.ts'
import { protocolId } from '../../src/rpc/protocol-id.ts'
import { answerWith, inventedPeers, startTrap } from '../discovery/dht/hostile-server.ts'
import { request } from '../discovery/dht/raw-request.ts'
import { type DiscoveryNode, genesis, idsOf, informedOf, startDiscovery, until } from '../discovery/start-discovery.ts'
import { baseServices, startNode } from '../peers/start-node.ts'

const options = { timeout: 120_000 }
const KAD = protocolId(genesis.chainId, 'kad')
/** Streams by which each node is flooded at a time. */
const STREAMS = 8

/** Nobody is named by anyone, and no validator looked for: what is left is the rendezvous of the DHT. */
const mute = { relays: false, config: { committeePeers: 0 } }

const knowsAll = (node: DiscoveryNode, others: readonly DiscoveryNode[]) => {
  const known = informedOf(node)
  return idsOf(...others.filter((other) => other !== node)).every((id) => known.includes(id))
}

/** A server of the DHT that answers every query with peers that there are none of, all where nobody of them is. */
async function startPoisoner(context: TestContext): Promise<Libp2p> {
  const trap = await startTrap(context)
  const invented = await inventedPeers(20, trap.address)
  const answer = answerWith(invented, invented)
  const node = await startNode(context, { services: baseServices })
  await node.handle(KAD, (stream) => {
    stream.addEventListener('message', () => {
      if (stream.writeStatus === 'writable') stream.send(answer)
    })
  })
  return node
}

/** Asks nodes without an end, several times at once, and announces itself to them, until it is told to stop. */
function flood(attacker: Libp2p, victims: readonly DiscoveryNode[]): () => Promise<void> {
  const stopped = new AbortController()
  const key = rendezvousKey(genesis.chainId).multihash.bytes
  const requests = [request('getProviders', { key }), request('findNode', { key }), request('addProvider', { key })]
  const askAway = async (address: string) => {
    while (!stopped.signal.aborted) {
      let stream: Stream | undefined
      try {
        stream = await attacker.dialProtocol(multiaddr(address), KAD, { signal: stopped.signal })
        for (let count = 0; count < 50; count += 1) {
          for (const bytes of requests) stream.send(bytes)
          await delay(1, undefined, { signal: stopped.signal })
        }
      } catch {
        await delay(20) // they have reset the stream, or parted from it: once more
      }
      stream?.abort(new Error('enough'))
    }
  }
  const floods = victims.flatMap(({ addresses }) =>
    addresses.flatMap((address) => Array.from({ length: STREAMS }, () => askAway(address)))
  )
  return async () => {
    stopped.abort()
    await Promise.all(floods)
  }
}

test('a newcomer finds five nodes by the DHT while a hostile peer floods and poisons it', options, async (context) => {
  const hub = await startDiscovery(context, mute)
  const network = [hub]
  for (let count = 1; count < 5; count += 1) {
    network.push(await startDiscovery(context, { ...mute, seeds: hub.addresses }))
  }
  await until(context, () => network.every((node) => knowsAll(node, network)))
  const attacker = await startPoisoner(context)
  const stop = flood(attacker, network)
  try {
    const refused = () => network.every(({ discovery }) => (discovery.status().dht?.requests.refused ?? 0) > 20)
    await until(context, refused)
    const seeds = [...attacker.getMultiaddrs().map(String), ...hub.addresses]
    const newcomer = await startDiscovery(context, { ...mute, seeds })
    await until(context, () => knowsAll(newcomer, network))
    await until(context, () => network.every((node) => knowsAll(node, [newcomer])))
    assert.ok(newcomer.discovery.status().known <= network.length + 40, 'of the invented no more than it named')
  } finally {
    await stop()
  }
})
