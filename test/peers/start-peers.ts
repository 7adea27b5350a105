import type { TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { Libp2p, PeerId, ServiceMap } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { ServiceFactoryMap } from 'libp2p'
import {
  createPeerGate,
  type PeerAddresses,
  type PeerGate,
  type PeerGateInit,
  type PeerReport,
  type Peers,
  type PeersInit,
  peers
} from '../../src/peers/index.ts'
import { ManualClock } from './manual-clock.ts'
import { baseServices, startNode, type TestNodeInit } from './start-node.ts'

export interface PeersNode<T extends ServiceMap = ServiceMap> {
  readonly node: Libp2p<{ peers: Peers } & T>
  readonly peers: Peers
  readonly gate: PeerGate
  readonly clock: ManualClock
  readonly reports: PeerReport[]
}

export interface PeersNodeInit extends Omit<TestNodeInit<ServiceMap>, 'services' | 'connectionGater'> {
  readonly peersInit?: Partial<PeersInit>
  readonly gateInit?: PeerGateInit
  /** Whether libp2p is made without the gate, so that only the service is left to keep the limits. @default false */
  readonly withoutGate?: boolean
}

/** A node with the peers service, whose clock is moved by hand. */
export async function startPeers<T extends ServiceMap = Record<never, never>>(
  context: TestContext,
  { peersInit, gateInit, withoutGate = false, ...init }: PeersNodeInit = {},
  services?: ServiceFactoryMap<T>
): Promise<PeersNode<T>> {
  const clock = new ManualClock()
  const reports: PeerReport[] = []
  const gate = createPeerGate({ clock, ...gateInit })
  const onReport = (report: PeerReport) => reports.push(report)
  const node = await startNode(context, {
    ...init,
    ...(withoutGate ? {} : { connectionGater: gate.connectionGater }),
    services: {
      ...baseServices,
      ...services,
      peers: peers({ gate, clock, random: { next: () => 0 }, onReport, ...peersInit })
    }
  })
  return { node: node as unknown as Libp2p<{ peers: Peers } & T>, peers: node.services.peers, gate, clock, reports }
}

type WithNode = Pick<PeersNode, 'node'>

export function addressesOf({ node }: WithNode): PeerAddresses {
  return { peerId: node.peerId, addresses: node.getMultiaddrs() }
}

/** Peer ids of whom the service counts as connected, in the order in which they came. */
export function connectedTo({ peers }: Pick<PeersNode, 'peers'>): string[] {
  return peers.connected().map(({ peerId }) => peerId.toString())
}

export function idsOf(...nodes: WithNode[]): string[] {
  return nodes.map(({ node }) => node.peerId.toString())
}

/** Whether libp2p has a connection to a peer still. */
export function isOpen({ node }: WithNode, peerId: PeerId): boolean {
  return node.getConnections(peerId).length > 0
}

/** Groups loopback addresses by their first three numbers. */
export function loopbackSubnet(address: Multiaddr): string | undefined {
  return address.getComponents()[0]?.value?.split('.').slice(0, 3).join('.')
}

/** Resolves when a condition holds, which is looked at now and then; fails when it does not for long. */
export async function until(context: TestContext, condition: () => boolean): Promise<void> {
  const deadline = AbortSignal.any([context.signal, AbortSignal.timeout(20_000)])
  while (!condition()) await delay(5, undefined, { signal: deadline })
}
