import type { TestContext } from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Libp2p, PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { RecordEnvelope } from '@libp2p/peer-record'
import {
  type Discovery,
  type DiscoveryEvent,
  type DiscoveryInit,
  discovery,
  type NodeInfo
} from '../../src/discovery/index.ts'
import {
  type GetKnownPeersRequest,
  type GetKnownPeersResponse,
  getKnownPeersRequestMessage,
  type NodeInfoContent,
  nodeInfoMessage
} from '../../src/discovery/messages.ts'
import { sealNodeInfo } from '../../src/discovery/node-info.ts'
import { getKnownPeers } from '../../src/discovery/protocols.ts'
import { createPeerGate, type Peers, type PeersInit, peers, type RecordStore } from '../../src/peers/index.ts'
import { type Rpc, type RpcProtocol, rpc } from '../../src/rpc/index.ts'
import { toHex } from '../../src/runtime/hex.ts'
import { bytes, message, optional, repeated } from '../../src/runtime/wire-message.ts'
import { type DiscoveryNode, genesis } from '../discovery/start-discovery.ts'
import type { TestPeer } from '../peers/make-peer.ts'
import { baseServices, startNode } from '../peers/start-node.ts'
import { loopbackSubnet } from '../peers/start-peers.ts'

export interface PlacedInit extends Partial<DiscoveryInit> {
  /** The loopback address that it listens on and dials from. @default '127.0.0.1' */
  readonly host?: string
  /** @default the system's choice */
  readonly port?: number
  readonly privateKey?: PrivateKey
  readonly peersInit?: Partial<PeersInit>
}

/** A node of a private network in which 127.0.x is a subnet, started, and stopped at the end of the test. */
export async function startPlaced(context: TestContext, init: PlacedInit = {}): Promise<DiscoveryNode> {
  const { host = '127.0.0.1', port = 0, privateKey, peersInit, config, clock, ...rest } = init
  const gate = createPeerGate()
  const events: DiscoveryEvent[] = []
  const node: DiscoveryNode['node'] = await startNode(context, {
    connectionGater: gate.connectionGater,
    listen: `/ip4/${host}/tcp/${port}`,
    dialFrom: host,
    ...(privateKey && { privateKey }),
    services: {
      ...baseServices,
      rpc: rpc({
        chainId: genesis.chainId,
        onFault: (peer, error, { protocol }) => node.services.peers.report(peer, error, { during: protocol })
      }),
      peers: peers({
        gate,
        backoffBaseMs: 20,
        backoffMaxMs: 100,
        shortLivedMs: 0,
        subnetOf: loopbackSubnet,
        ...(clock && { clock }),
        ...peersInit
      }),
      discovery: discovery({
        genesis,
        config: { discoveryIntervalMs: 50, privateNetwork: true, ...config },
        onEvent: (event) => events.push(event),
        ...(clock && { clock }),
        ...rest
      })
    }
  })
  const addresses = node.getMultiaddrs().map(String)
  return { node, discovery: node.services.discovery, peers: node.services.peers, gate, events, addresses }
}

/** Answers of an attacker. */
export type Answer = (request: GetKnownPeersRequest, signal: AbortSignal) => Promise<Partial<GetKnownPeersResponse>>

export interface Attacker {
  readonly node: Libp2p<{ rpc: Rpc }>
  readonly id: string
  readonly addresses: string[]
  /** Asks as any peer may, and hands over an own info with it. */
  readonly introduce: (victim: DiscoveryNode, ownInfo: Uint8Array | undefined) => Promise<GetKnownPeersResponse>
}

export interface AttackerInit {
  /** @default '127.0.9.1' */
  readonly host?: string
  readonly privateKey?: PrivateKey
  /** @default an empty one */
  readonly answer?: Answer
}

const HUGE = 4 * 1024 * 1024

/** GetKnownPeers without the limits on an answer. */
export const withoutLimits: RpcProtocol<GetKnownPeersRequest, GetKnownPeersResponse> = {
  ...getKnownPeers,
  request: getKnownPeersRequestMessage,
  response: message('GetKnownPeersResponse', {
    ownInfo: optional(bytes(1, { most: HUGE })),
    knownInfos: repeated(bytes(2, { most: HUGE }), 100_000)
  }),
  maxResponseBytes: HUGE
}

/** A peer that has no discovery and answers GetKnownPeers as it is told to. */
export async function startAttacker(context: TestContext, init: AttackerInit = {}): Promise<Attacker> {
  const { host = '127.0.9.1', privateKey, answer = async () => ({}) } = init
  const node = await startNode(context, {
    listen: `/ip4/${host}/tcp/0`,
    dialFrom: host,
    ...(privateKey && { privateKey }),
    services: { ...baseServices, rpc: rpc({ chainId: genesis.chainId }) }
  })
  node.services.rpc.handle(withoutLimits, async (request, { signal }) => ({
    ownInfo: undefined,
    knownInfos: [],
    ...(await answer(request, signal))
  }))
  return {
    node,
    id: node.peerId.toString(),
    addresses: node.getMultiaddrs().map(String),
    introduce: (victim, ownInfo) =>
      node.services.rpc.call(victim.node.peerId, getKnownPeers, {
        ownInfo,
        knownDigest: undefined,
        knownPrefixes: undefined
      })
  }
}

/** A peer that nobody has ever met. */
export async function inventPeer(): Promise<TestPeer> {
  const privateKey = await generateKeyPair('Ed25519')
  return { privateKey, peerId: peerIdFromPrivateKey(privateKey) }
}

/** A sealed info with everything in order. */
export async function sealFor(
  { privateKey }: TestPeer,
  addresses: readonly string[],
  timestampMs: number = Date.now()
): Promise<Uint8Array> {
  return await sealNodeInfo({ addresses, timestampMs, accessType: 1, capabilities: [] }, privateKey, genesis.chainId)
}

/** Sealed infos of peers that there are none of, each with everything in order, at addresses by their number. */
export async function inventInfos(count: number, addressOf: (number: number) => string): Promise<Uint8Array[]> {
  const timestampMs = Date.now()
  const infos: Uint8Array[] = []
  for (let number = 0; number < count; number += 1) {
    infos.push(await sealFor(await inventPeer(), [addressOf(number)], timestampMs))
  }
  return infos
}

/** An envelope of this chain, sealed by a key, whose content says whatever it likes. */
export async function sealByHand(privateKey: PrivateKey, content: NodeInfoContent): Promise<Uint8Array> {
  const record = {
    domain: `soma-p2p/1/node-info/${toHex(genesis.chainId)}`,
    codec: new TextEncoder().encode('/soma-p2p/node-info/1'),
    marshal: () => nodeInfoMessage.encode(content),
    equals: () => false
  }
  return (await RecordEnvelope.seal(record, privateKey)).marshal()
}

/** Records in memory, which a node finds again when it is started anew. */
export function memoryRecords(): RecordStore {
  const records = new Map<string, Uint8Array>()
  return {
    getRecord: async (name) => records.get(name),
    setRecord: async (name, value) => {
      records.set(name, value.slice())
    }
  }
}

/** What a node knows of a peer by its id, as text. */
export function infoOf({ discovery }: { readonly discovery: Discovery }, id: string): NodeInfo | undefined {
  return discovery.known().find(({ peerId }) => peerId.toString() === id)?.info
}

/** Peer ids of whom a node counts as connected, sorted. */
export function countedBy({ peers }: { readonly peers: Peers }): string[] {
  return peers
    .connected()
    .map(({ peerId }) => peerId.toString())
    .sort()
}
