import type { TestContext } from 'node:test'
import type { Libp2p, PeerId, PrivateKey, Startable } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { isPublic, parseAddress } from '../../../src/discovery/addresses.ts'
import { createDht, type DhtComponents, type DhtInit } from '../../../src/discovery/dht/create-dht.ts'
import type { Dht, FoundPeer } from '../../../src/discovery/dht/dht.ts'
import { createPeerGate, type PeerAddresses, type Peers, peers } from '../../../src/peers/index.ts'
import { baseServices, startNode } from '../../peers/start-node.ts'

export const chainId: Uint8Array = new Uint8Array(32).fill(7)

export interface DhtNode {
  readonly node: Libp2p<{ peers: Peers; dht: Dht & Startable }>
  readonly dht: Dht & Startable
  readonly peerId: PeerId
  readonly address: Multiaddr
  /** Peers dialled for queries. */
  readonly dialled: PeerAddresses[]
  /** Faults of peers. */
  readonly faults: { readonly peerId: PeerId; readonly error: Error }[]
}

export interface DhtNodeInit extends Partial<DhtInit> {
  /** Whether loopback is dialled. @default true */
  readonly privateNetwork?: boolean
  readonly privateKey?: PrivateKey
}

/** A node on loopback that has the DHT and nothing else to find peers by, started, and stopped at the end of the test. */
export async function startDht(context: TestContext, init: DhtNodeInit = {}): Promise<DhtNode> {
  const { privateNetwork = true, privateKey, ...rest } = init
  const gate = createPeerGate()
  const dialled: PeerAddresses[] = []
  const faults: DhtNode['faults'] = []
  const node: DhtNode['node'] = await startNode(context, {
    connectionGater: gate.connectionGater,
    ...(privateKey && { privateKey }),
    services: {
      ...baseServices,
      peers: peers({ gate, backoffBaseMs: 20, backoffMaxMs: 100, shortLivedMs: 0 }),
      dht: (components: DhtComponents & { peers: Peers }) =>
        createDht(components, {
          chainId,
          mode: 'server',
          addressRule: loopbackRule(privateNetwork),
          mayAnnounce: () => true,
          isBanned: (peerId) => components.peers.isBanned(peerId),
          dial(peer, options) {
            dialled.push(peer)
            return components.peers.dial(peer, options)
          },
          onFault: (peerId, error) => faults.push({ peerId, error }),
          ...rest
        })
    }
  })
  const [address] = node.getMultiaddrs()
  if (address === undefined) throw new Error('not listening')
  return { node, dht: node.services.dht, peerId: node.peerId, address, dialled, faults }
}

/** The rules of gossip. */
export function loopbackRule(privateNetwork: boolean): DhtInit['addressRule'] {
  return (address, subject) => {
    try {
      const parsed = parseAddress(address.toString(), subject)
      return privateNetwork || isPublic(parsed) ? parsed : undefined
    } catch {
      return undefined
    }
  }
}

/** Connects two nodes, and waits until the routing tables of both, if they are servers, hold the other. */
export async function connect(context: TestContext, from: DhtNode, to: DhtNode): Promise<void> {
  const sizes = [from, to].map(({ dht }) => dht.status().routingTable)
  await from.node.dial(multiaddr(to.address.toString()), { signal: context.signal })
  const grown = (one: DhtNode, other: DhtNode, size: number) =>
    other.dht.status().mode === 'client' || one.dht.status().routingTable > size
  await until(context, () => grown(from, to, sizes[0] ?? 0) && grown(to, from, sizes[1] ?? 0))
}

/** Resolves when a condition holds: nothing tells when a routing table has grown, so it is looked at now and then. */
export async function until(context: TestContext, condition: () => boolean): Promise<void> {
  while (!condition()) {
    context.signal.throwIfAborted()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** Everything that a query finds. */
export async function collect(found: AsyncIterable<FoundPeer>): Promise<FoundPeer[]> {
  const all: FoundPeer[] = []
  for await (const peer of found) all.push(peer)
  return all
}

/** Peer ids, each once, sorted. */
export function idsOf(found: Iterable<{ readonly peerId: PeerId }>): string[] {
  return [...new Set(Array.from(found, ({ peerId }) => peerId.toString()))].sort()
}
