import { EventEmitter, once } from 'node:events'
import type { TestContext } from 'node:test'
import type { ConnectionGater, Libp2p, PeerId, PrivateKey } from '@libp2p/interface'
import type { AddressManager } from '@libp2p/interface-internal'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import type { Genesis } from '../../src/consensus/genesis.ts'
import { type Discovery, type DiscoveryEvent, type DiscoveryInit, discovery } from '../../src/discovery/index.ts'
import type { GetKnownPeersRequest, GetKnownPeersResponse } from '../../src/discovery/messages.ts'
import { getKnownPeers } from '../../src/discovery/protocols.ts'
import {
  createPeerGate,
  type PeerGate,
  type PeerGateInit,
  type Peers,
  type PeersInit,
  peers
} from '../../src/peers/index.ts'
import { type Rpc, type RpcHandler, rpc } from '../../src/rpc/index.ts'
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
  /** The multiaddrs that it listens on, each with the peer id. */
  readonly addresses: string[]
}

export interface DiscoveryNodeInit extends Partial<DiscoveryInit> {
  readonly privateKey?: PrivateKey
  readonly listen?: string
  /** The address that it dials from. @default what the machine chooses */
  readonly dialFrom?: string
  readonly peersInit?: Partial<PeersInit>
  readonly gateInit?: PeerGateInit
  /** Whether its answers to GetKnownPeers name others than itself. @default true */
  readonly relays?: boolean
  /** Multiaddrs that it claims to be reached at, to everyone who asks it. @default those that it listens on */
  readonly announce?: readonly string[]
  /** Whether the link to a peer is down: neither side reaches the other. @default never */
  readonly isCutFrom?: (peerId: PeerId) => boolean
}

/** Fires whenever something happens at a node of this process. */
const changes = new EventEmitter({ captureRejections: false }).setMaxListeners(0)

/** The nodes of each test. */
const started = new WeakMap<TestContext, Libp2p[]>()

/** A node of a private network on loopback that ticks quickly, started, and stopped at the end of the test. */
export async function startDiscovery(context: TestContext, init: DiscoveryNodeInit = {}): Promise<DiscoveryNode> {
  const together = started.get(context) ?? []
  if (!started.has(context)) {
    started.set(context, together)
    // before each is stopped by itself, when those left would look for those gone
    context.after(() => Promise.all(together.map((node) => node.stop())))
  }
  const {
    privateKey,
    listen,
    dialFrom,
    peersInit,
    gateInit,
    relays = true,
    announce,
    isCutFrom,
    config,
    clock,
    ...rest
  } = init
  const gate = createPeerGate(gateInit)
  const events: DiscoveryEvent[] = []
  let listening = (): Multiaddr[] => []
  const node: DiscoveryNode['node'] = await startNode(context, {
    connectionGater: isCutFrom === undefined ? gate.connectionGater : cutBy(isCutFrom, gate.connectionGater),
    ...(privateKey && { privateKey }),
    ...(listen && { listen }),
    ...(dialFrom && { dialFrom }),
    services: {
      ...baseServices,
      announced: ({ addressManager }: { addressManager: AddressManager }) => {
        listening = addressManager.getAddresses.bind(addressManager)
        if (announce !== undefined) addressManager.getAddresses = () => announce.map((address) => multiaddr(address))
        return {}
      },
      rpc: (components: Parameters<ReturnType<typeof rpc>>[0]) => {
        const service = rpc({
          chainId: genesis.chainId,
          onFault: (peer, error, { protocol }) => node.services.peers.report(peer, error, { during: protocol })
        })(components)
        return relays ? service : relayingNobody(service)
      },
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
  together.push(node)
  for (const type of ['peer:connect', 'peer:disconnect'] as const) {
    node.addEventListener(type, () => changes.emit('change'))
  }
  const addresses = listening().map(String)
  return { node, discovery: node.services.discovery, peers: node.services.peers, gate, events, addresses }
}

/** A service that answers GetKnownPeers with the node's own info alone. */
function relayingNobody(service: Rpc): Rpc {
  const handle = service.handle.bind(service)
  service.handle = (protocol, handler) => {
    if (protocol.name !== getKnownPeers.name) return handle(protocol, handler)
    const answer = handler as unknown as RpcHandler<GetKnownPeersRequest, GetKnownPeersResponse>
    handle(getKnownPeers, async (request, context) => {
      const response = await answer(request, context)
      return { ...(response as GetKnownPeersResponse), knownInfos: [] }
    })
  }
  return service
}

function cutBy(isCutFrom: (peerId: PeerId) => boolean, gater: ConnectionGater): ConnectionGater {
  return {
    ...gater,
    denyDialPeer: async (peerId) => isCutFrom(peerId) || (await gater.denyDialPeer?.(peerId)) === true,
    denyInboundEncryptedConnection: async (peerId, connection) =>
      isCutFrom(peerId) || (await gater.denyInboundEncryptedConnection?.(peerId, connection)) === true
  }
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

/** Resolves when each node has asked others so many more times: what spreads by itself has spread then. */
export async function exchangesOf(context: TestContext, nodes: readonly DiscoveryNode[], count: number): Promise<void> {
  const asked = ({ discovery }: DiscoveryNode) => discovery.status().exchanges.succeeded
  const goals = nodes.map((node) => ({ node, goal: asked(node) + count }))
  await until(context, () => goals.every(({ node, goal }) => asked(node) >= goal))
}

/** Ends every connection of a node to a peer as a broken cable does. */
export function breakOff({ node }: Pick<DiscoveryNode, 'node'>, peerId: PeerId): void {
  for (const connection of node.getConnections(peerId)) connection.abort(new Error('a cable was pulled'))
}
