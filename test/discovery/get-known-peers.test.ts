import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type GetKnownPeersRequest, MAX_PREFIXES, PREFIX_BYTES } from '../../src/discovery/messages.ts'
import { getKnownPeers } from '../../src/discovery/protocols.ts'
import { RpcError, rpc } from '../../src/rpc/index.ts'
import { bytes, message, optional } from '../../src/runtime/wire-message.ts'
import { makePeer } from '../peers/make-peer.ts'
import { baseServices, startNode } from '../peers/start-node.ts'
import { seal } from './make-info.ts'
import { genesis, informedOf, same, startDiscovery, until } from './start-discovery.ts'

const options = { timeout: 20_000 }

/** GetKnownPeers of an asker that keeps no limits. */
const withoutLimits: typeof getKnownPeers = {
  ...getKnownPeers,
  request: message('GetKnownPeersRequest', {
    ownInfo: optional(bytes(1, { most: 1024 * 1024 })),
    knownDigest: optional(bytes(2, { length: 32 })),
    knownPrefixes: optional(bytes(3, { most: 1024 * 1024 }))
  }),
  maxRequestBytes: 1024 * 1024
}

/** A server, and a peer connected to it that answers nothing and asks whatever it likes. */
async function start(context: TestContext) {
  const config = { discoveryIntervalMs: 3_600_000 }
  const server = await startDiscovery(context, { config, peersInit: { maxPenalty: 1_000 } })
  const peer = await makePeer(1)
  const services = { ...baseServices, rpc: rpc({ chainId: genesis.chainId }) }
  const node = await startNode(context, { privateKey: peer.privateKey, services })
  await until(context, () => server.discovery.ownInfo() !== undefined)
  await node.dial(server.node.getMultiaddrs())
  const addresses = ['/ip4/127.0.0.1/tcp/1']
  const ownInfo = await seal(peer, { addresses, timestampMs: Date.now() }, genesis.chainId)
  const ask = (request: Partial<GetKnownPeersRequest>) =>
    node.services.rpc.call(server.node.peerId, withoutLimits, {
      ownInfo,
      knownDigest: undefined,
      knownPrefixes: undefined,
      ...request
    })
  return { server, node, ask }
}

test('the info of who asks is learned from its request alone', options, async (context) => {
  const { server, node, ask } = await start(context)
  const { ownInfo } = await ask({})
  assert.deepEqual(ownInfo, server.discovery.ownInfo()?.sealed)
  await until(context, () => same(informedOf(server), [node.peerId.toString()]))
})

test('a request whose prefixes are cut short is refused, and nothing is taken from it', options, async (context) => {
  const { server, ask } = await start(context)
  const isRefusal = (thrown: unknown) => thrown instanceof RpcError && thrown.code === 'RPC_INVALID_REQUEST'
  await assert.rejects(ask({ knownPrefixes: new Uint8Array(PREFIX_BYTES + 1) }), isRefusal)
  await ask({ ownInfo: undefined, knownPrefixes: new Uint8Array(PREFIX_BYTES * MAX_PREFIXES) })
  assert.deepEqual(informedOf(server), [])
})

test('a request of too many prefixes, or of too many bytes, costs who sent it', options, async (context) => {
  const { server, node, ask } = await start(context)
  const penalty = () => server.peers.standing(node.peerId).penalty
  for (const length of [PREFIX_BYTES * (MAX_PREFIXES + 1), 100_000]) {
    const before = penalty()
    await assert.rejects(ask({ knownPrefixes: new Uint8Array(length) }))
    await until(context, () => penalty() > before)
  }
  assert.deepEqual(informedOf(server), [])
})

test('who asks without an end is told when to come back, and others are answered', options, async (context) => {
  const { server, node, ask } = await start(context)
  const isRefusal = (thrown: unknown) => {
    return thrown instanceof RpcError && thrown.code === 'RPC_RATE_LIMITED' && (thrown.retryAfterMs ?? 0) > 0
  }
  let answers = 0
  await assert.rejects(async () => {
    for (; answers < 100; answers++) await ask({})
  }, isRefusal)
  assert.equal(answers, 10)
  const other = await startDiscovery(context, { seeds: server.addresses })
  await until(context, () => informedOf(other).includes(node.peerId.toString()))
})

test(
  'a peer that dialled is asked back once it names infos that are not known, and not before',
  options,
  async (context) => {
    const { server, node, ask } = await start(context)
    const asked = () => Object.values(server.discovery.status().exchanges).reduce((sum, count) => sum + count)
    assert.equal(asked(), 0)
    await ask({ knownPrefixes: new Uint8Array(PREFIX_BYTES) })
    await until(context, () => asked() === 1)
    await node.stop()
    const { server: other, node: newcomer, ask: askOther } = await start(context)
    await askOther({ knownPrefixes: new Uint8Array(0) })
    await until(context, () => same(informedOf(other), [newcomer.peerId.toString()]))
    await askOther({ knownPrefixes: new Uint8Array(PREFIX_BYTES) })
    assert.equal(
      Object.values(other.discovery.status().exchanges).reduce((sum, count) => sum + count),
      0
    )
  }
)
