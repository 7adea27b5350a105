import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { PeerId } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { KAD_TYPE, type KadPeer, kadMessage } from '../../src/discovery/dht/kad-message.ts'
import { rendezvousKey } from '../../src/discovery/dht/rendezvous.ts'
import { openNodeInfo } from '../../src/discovery/node-info.ts'
import { getKnownPeers } from '../../src/discovery/protocols.ts'
import { protocolId, rpc } from '../../src/rpc/index.ts'
import {
  connectedTo,
  type DiscoveryNode,
  exchangesOf,
  genesis,
  idsOf,
  informedOf,
  same,
  startDiscovery,
  until
} from '../discovery/start-discovery.ts'
import { baseServices, startNode } from '../peers/start-node.ts'

const options = { timeout: 60_000 }
const kadProtocol = protocolId(genesis.chainId, 'kad')

type Name = 'anna' | 'bert' | 'carl' | 'tess' | 'tom' | 'paul' | 'pia'

/**
 * Anna, Bert and Carl are public, Tess and Tom trusted, Paul and Pia private. The arrows are configured peers: Anna -> Bert, Tess -> Anna and Paul,
 * Tom -> Tess and Carl, Paul -> Bert; Pia has none.
 */
async function startAll(context: TestContext): Promise<Record<Name, DiscoveryNode>> {
  const config = { discoveryIntervalMs: 100, committeePeers: 0 }
  const start = (init: Parameters<typeof startDiscovery>[1]) => startDiscovery(context, { config, ...init })
  const bert = await start({})
  const anna = await start({ configured: bert.addresses })
  const carl = await start({ seeds: anna.addresses })
  const paul = await start({ accessType: 'private', configured: bert.addresses })
  const tess = await start({ accessType: 'trusted', configured: [...anna.addresses, ...paul.addresses] })
  const tom = await start({ accessType: 'trusted', configured: [...tess.addresses, ...carl.addresses] })
  const pia = await start({ accessType: 'private', seeds: anna.addresses })
  return { anna, bert, carl, tess, tom, paul, pia }
}

/** Whose info each has: of a trusted node its configured peers, and theirs; of a private one its configured peers alone. */
const INFORMED: Readonly<Record<Name, readonly Name[]>> = {
  anna: ['bert', 'carl', 'tess', 'tom'], // Tom's from Tess, who may hand it on to whom she configured
  bert: ['anna', 'carl', 'tess', 'tom', 'paul'], // Tess's and Tom's from Anna
  carl: ['anna', 'bert', 'tom'],
  tess: ['anna', 'bert', 'carl', 'tom'],
  tom: ['anna', 'bert', 'carl'],
  paul: ['anna', 'bert', 'carl', 'tess', 'tom'], // Tom's from Tess
  pia: ['anna', 'bert', 'carl']
}

/** Everyone dials whom it knows, and is connected to whoever dials it. */
const CONNECTED: Readonly<Record<Name, readonly Name[]>> = {
  anna: ['bert', 'carl', 'tess', 'tom', 'paul', 'pia'],
  bert: ['anna', 'carl', 'tess', 'tom', 'paul', 'pia'],
  carl: ['anna', 'bert', 'tess', 'tom', 'paul', 'pia'],
  tess: ['anna', 'bert', 'carl', 'tom', 'paul'],
  tom: ['anna', 'bert', 'carl', 'tess', 'paul'],
  paul: ['anna', 'bert', 'carl', 'tess', 'tom'],
  pia: ['anna', 'bert', 'carl']
}

const isAsExpected = (nodes: Record<Name, DiscoveryNode>) =>
  NAMES.every((name) => {
    const idsFor = (names: readonly Name[]) => idsOf(...names.map((other) => nodes[other]))
    const node = nodes[name]
    return same(informedOf(node), idsFor(INFORMED[name])) && same(connectedTo(node), idsFor(CONNECTED[name]))
  })

const NAMES = Object.keys(INFORMED) as Name[]

test('each knows, and is connected to, exactly those whom the access types allow', options, async (context) => {
  const nodes = await startAll(context)
  const all = Object.values(nodes)
  const nameOf = new Map(NAMES.map((name) => [nodes[name].node.peerId.toString(), name]))
  const namesIn = (ids: readonly string[]) => ids.map((id) => nameOf.get(id) ?? id).sort()
  await until(context, () => isAsExpected(nodes))
  await exchangesOf(context, all, 30)
  for (const name of NAMES) {
    assert.deepEqual(namesIn(informedOf(nodes[name])), INFORMED[name].toSorted(), `known to ${name}`)
    assert.deepEqual(namesIn(connectedTo(nodes[name])), CONNECTED[name].toSorted(), `connected to ${name}`)
    const { accessType } = nodes[name].discovery.ownInfo() ?? {}
    assert.equal(nodes[name].discovery.status().dht?.mode, accessType === 'public' ? 'server' : 'client')
    assert.equal(
      nodes[name].discovery.status().infos.refused.INFO_PRIVATE,
      undefined,
      'nobody was told of a private node'
    )
  }
})

test('nobody gives a stranger who asks away who is trusted or private, or where', options, async (context) => {
  const nodes = await startAll(context)
  await until(context, () => isAsExpected(nodes))
  const { node, rpc, identified } = await startStranger(context)
  const { anna, bert, carl, tess, tom, paul, pia } = nodes
  const open = [anna, bert, carl]
  const hidden = [tess, tom, paul, pia]
  for (const { node: asked } of [...open, ...hidden]) await node.dial(asked.getMultiaddrs())
  await until(context, () => identified.size === 7)

  for (const asked of [...open, ...hidden]) {
    const told = await rpc(asked.node.peerId)
    const expected = open.filter((other) => other !== asked || !hidden.includes(asked))
    assert.deepEqual(told, idsOf(...expected))
  }
  for (const asked of hidden) await assert.rejects(ask(node, asked.node.peerId, KAD_TYPE.findNode, new Uint8Array(1)))
  for (const asked of open) {
    const providers = await ask(
      node,
      asked.node.peerId,
      KAD_TYPE.getProviders,
      rendezvousKey(genesis.chainId).multihash.bytes
    )
    assertNone(providers, hidden)
    for (const sought of [...hidden, ...open]) {
      const answer = await ask(node, asked.node.peerId, KAD_TYPE.findNode, sought.node.peerId.toMultihash().bytes)
      assertNone(answer, hidden)
      const isNamed = answer.some(({ id }) => Buffer.from(id).equals(sought.node.peerId.toMultihash().bytes))
      if (sought !== asked) assert.equal(isNamed, open.includes(sought))
    }
  }
})

/** A peer that belongs to nobody, and asks. */
async function startStranger(context: TestContext) {
  const node = await startNode(context, { services: { ...baseServices, rpc: rpc({ chainId: genesis.chainId }) } })
  const identified = new Set<string>()
  node.addEventListener('peer:identify', ({ detail }) => identified.add(detail.peerId.toString()))
  return {
    node,
    identified,
    /** Whose infos a peer gives away. */
    rpc: async (peerId: PeerId): Promise<string[]> => {
      const nothing = { ownInfo: undefined, knownDigest: undefined, knownPrefixes: undefined }
      const { ownInfo, knownInfos } = await node.services.rpc.call(peerId, getKnownPeers, nothing)
      const told: string[] = []
      for (const sealed of [...knownInfos, ...(ownInfo === undefined ? [] : [ownInfo])]) {
        const from = sealed === ownInfo ? peerId : undefined
        const rules = { self: node.peerId, from, now: Date.now(), privateNetwork: true, newest: () => undefined }
        told.push((await openNodeInfo(sealed, { ...rules, chainId: genesis.chainId })).peerId.toString())
      }
      return told.sort()
    }
  }
}

/** Every peer that an answer of the DHT names. */
async function ask(
  node: Awaited<ReturnType<typeof startStranger>>['node'],
  peerId: PeerId,
  type: number,
  key: Uint8Array
): Promise<KadPeer[]> {
  const stream = await node.dialProtocol(peerId, kadProtocol)
  const frames = lpStream(stream)
  await frames.write(kadMessage.encode({ type, key, closer: [], providers: [] }))
  const { closer, providers } = kadMessage.decode((await frames.read()).subarray())
  await stream.close()
  return [...closer, ...providers]
}

/** Neither their ids nor their addresses. */
function assertNone(named: readonly KadPeer[], hidden: readonly DiscoveryNode[]): void {
  const ids = hidden.map(({ node }) => Buffer.from(node.peerId.toMultihash().bytes))
  const addresses = hidden.flatMap(({ addresses }) => addresses.map((text) => multiaddr(text).decapsulate('/p2p')))
  for (const peer of named) {
    assert.ok(!ids.some((id) => id.equals(peer.id)))
    for (const address of addresses)
      assert.ok(!peer.addresses.some((bytes) => address.bytes.every((byte, i) => byte === bytes[i])))
  }
}
