import { EventEmitter, once } from 'node:events'
import type { TestContext } from 'node:test'
import type { Libp2p, PrivateKey } from '@libp2p/interface'
import type { Genesis } from '../../src/consensus/genesis.ts'
import { type Discovery, type DiscoveryEvent, type DiscoveryInit, discovery } from '../../src/discovery/index.ts'
import { createPeerGate, type PeerGate, type Peers, type PeersInit, peers } from '../../src/peers/index.ts'
import { type Rpc, rpc } from '../../src/rpc/index.ts'
import { buildGenesis } from '../../src/testing/genesis-builder.ts'
import { deriveValidatorKeys } from '../../src/testing/validator-keys.ts'
import { baseServices, startNode } from '../peers/start-node.ts'

export const genesis: Genesis = buildGenesis({
  validators: [0, 1, 2, 3].map((index) => ({ keys: deriveValidatorKeys(1, index) })),
  startTimeMs: 0
}).genesis

export interface DiscoveryNode {
  readonly node: Libp2p<{ rpc: Rpc; peers: Peers; discovery: Discovery }>
  readonly discovery: Discovery
  readonly peers: Peers
  readonly gate: PeerGate
  readonly events: readonly DiscoveryEvent[]
  /** Its multiaddrs, each with the peer id. */
  readonly addresses: string[]
}

export interface DiscoveryNodeInit extends Partial<DiscoveryInit> {
  readonly privateKey?: PrivateKey
  readonly listen?: string
  readonly peersInit?: Partial<PeersInit>
}

/** Fires whenever something happens at a node of this process. */
const changes = new EventEmitter({ captureRejections: false }).setMaxListeners(0)

/** A node of a private network on loopback that ticks quickly, started, and stopped at the end of the test. */
export async function startDiscovery(context: TestContext, init: DiscoveryNodeInit = {}): Promise<DiscoveryNode> {
  const { privateKey, listen, peersInit, config, clock, ...rest } = init
  const gate = createPeerGate()
  const events: DiscoveryEvent[] = []
  const node: DiscoveryNode['node'] = await startNode(context, {
    connectionGater: gate.connectionGater,
    ...(privateKey && { privateKey }),
    ...(listen && { listen }),
    services: {
      ...baseServices,
      rpc: rpc({
        chainId: genesis.chainId,
        onFault: (peer, error, { protocol }) => node.services.peers.report(peer, error, { during: protocol })
      }),
      peers: peers({ gate, backoffBaseMs: 20, backoffMaxMs: 100, shortLivedMs: 0, ...peersInit }),
      discovery: discovery({
        genesis,
        config: { discoveryIntervalMs: 50, privateNetwork: true, ...config },
        onEvent: (event) => {
          events.push(event)
          changes.emit('change')
        },
        ...(clock && { clock }),
        ...rest
      })
    }
  })
  for (const type of ['peer:connect', 'peer:disconnect'] as const) {
    node.addEventListener(type, () => changes.emit('change'))
  }
  const addresses = node.getMultiaddrs().map(String)
  return { node, discovery: node.services.discovery, peers: node.services.peers, gate, events, addresses }
}

/** Resolves when a condition holds: it is looked at whenever something happens at a node, and at least now and then. */
export async function until(context: TestContext, condition: () => boolean): Promise<void> {
  const pulse = setInterval(() => changes.emit('change'), 20)
  try {
    while (!condition()) await once(changes, 'change', { signal: context.signal })
  } finally {
    clearInterval(pulse)
  }
}

/** Peer ids of whom a node is connected to, sorted. */
export function connectedTo({ node }: Pick<DiscoveryNode, 'node'>): string[] {
  return node.getPeers().map(String).sort()
}

/** Peer ids of whom a node knows the info of, sorted. */
export function informedOf({ discovery }: DiscoveryNode): string[] {
  return discovery
    .known()
    .filter(({ info }) => info !== undefined)
    .map(({ peerId }) => peerId.toString())
    .sort()
}

/** Peer ids of nodes, sorted. */
export function idsOf(...nodes: Pick<DiscoveryNode, 'node'>[]): string[] {
  return nodes.map(({ node }) => node.peerId.toString()).sort()
}

/** Whether two lists are the same. */
export function same(a: readonly string[], b: readonly string[]): boolean {
  return a.join() === b.join()
}
