import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Committee } from '../../src/consensus/committee.ts'
import { buildGenesis } from '../../src/testing/genesis-builder.ts'
import { deriveValidatorKeys, networkPrivateKey } from '../../src/testing/validator-keys.ts'
import {
  breakOff,
  connectedTo,
  type DiscoveryNode,
  exchangesOf,
  idsOf,
  same,
  startDiscovery,
  until
} from '../discovery/start-discovery.ts'
import { makePeer } from '../peers/make-peer.ts'

const options = { timeout: 60_000 }
/** Nobody is looked for but those to be kept. */
const idle = { targetConnections: 0 }
const keys = [0, 1, 2, 3].map((index) => deriveValidatorKeys(10, index))

const startValidator = async (context: TestContext, index: number, listen?: string) => {
  const seed = keys[index]
  if (seed === undefined) throw new RangeError('no such validator')
  return startDiscovery(context, { privateKey: await networkPrivateKey(seed), config: idle, ...(listen && { listen }) })
}

/** A committee of some validators at addresses. */
function committeeOf(addresses: ReadonlyMap<number, readonly string[]>): Committee {
  const validators = [...addresses].flatMap(([index, texts]) => {
    const key = keys[index]
    return key === undefined ? [] : [{ keys: key, addresses: texts }]
  })
  return buildGenesis({ validators, startTimeMs: 0 }).genesis.committee
}

/** Breaks the connections to some peers, and waits until those of them that are to be kept are there again. */
async function breakAll(context: TestContext, node: DiscoveryNode, peers: DiscoveryNode[], kept: DiscoveryNode[]) {
  const { length } = node.events
  for (const peer of peers) breakOff(node, peer.node.peerId)
  const lost = () =>
    new Set(
      node.events.slice(length).flatMap((event) => (event.type === 'disconnected' ? [event.peerId.toString()] : []))
    )
  await until(context, () => lost().size >= peers.length && same(connectedTo(node), idsOf(...kept)))
}

const asPeer = ({ node }: DiscoveryNode) => ({ peerId: node.peerId, addresses: node.getMultiaddrs() })
const isProtected = ({ peers }: DiscoveryNode, { node }: DiscoveryNode) =>
  peers.connected().find(({ peerId }) => peerId.equals(node.peerId))?.isProtected

test(
  'configured peers and validators are dialled again after their connection broke, and after they were down',
  options,
  async (context) => {
    const { privateKey } = await makePeer(1)
    let friend = await startDiscovery(context, { privateKey, config: idle })
    let validator = await startValidator(context, 1)
    const node = await startDiscovery(context, {
      configured: friend.addresses,
      committee: committeeOf(new Map([[1, validator.addresses]])),
      config: idle
    })
    await until(context, () => same(connectedTo(node), idsOf(friend, validator)))
    for (let times = 0; times < 3; times++) await breakAll(context, node, [friend, validator], [friend, validator])

    const [listen, validatorsListen] = [friend, validator].map(({ addresses }) =>
      addresses[0]?.replace(/\/p2p\/.*/, '')
    )
    if (listen === undefined || validatorsListen === undefined) throw new Error('no addresses')
    await Promise.all([friend.node.stop(), validator.node.stop()])
    await until(context, () => connectedTo(node).length === 0)
    const { failed } = node.peers.counts().dials
    await until(context, () => node.peers.counts().dials.failed > failed + 3)
    friend = await startDiscovery(context, { privateKey, listen, config: idle })
    validator = await startValidator(context, 1, validatorsListen)
    await until(context, () => same(connectedTo(node), idsOf(friend, validator)))
    for (const peer of [friend, validator]) assert.equal(isProtected(node, peer), true)
  }
)

test('configured peers change at run time: one moves, one leaves', options, async (context) => {
  const { privateKey } = await makePeer(1)
  const [moving, leaving, staying] = [
    await startDiscovery(context, { privateKey, config: idle }),
    await startDiscovery(context, { config: idle }),
    await startDiscovery(context, { config: idle })
  ]
  const node = await startDiscovery(context, {
    configured: [moving, leaving, staying].flatMap(({ addresses }) => addresses),
    config: idle,
    dht: false
  })
  await until(context, () => same(connectedTo(node), idsOf(moving, leaving, staying)))

  await moving.node.stop()
  await until(context, () => same(connectedTo(node), idsOf(leaving, staying)))
  const moved = await startDiscovery(context, { privateKey, config: idle })
  node.discovery.setConfiguredPeers([moved, staying].map(asPeer))
  await until(context, () => same(connectedTo(node), idsOf(moved, leaving, staying)))
  await until(context, () => isProtected(node, leaving) === false)
  assert.equal(isProtected(node, staying), true)
  await breakAll(context, node, [leaving, staying, moved], [staying, moved])
  await exchangesOf(context, [node], 20)
  assert.deepEqual(connectedTo(node), idsOf(staying, moved))
})

test('a committee changes at run time: one validator moves, one leaves, one comes', options, async (context) => {
  const [moving, leaving, coming] = [
    await startValidator(context, 1),
    await startValidator(context, 2),
    await startValidator(context, 3)
  ]
  const first = committeeOf(
    new Map([
      [0, []],
      [1, moving.addresses],
      [2, leaving.addresses]
    ])
  )
  const own = keys[0]
  if (own === undefined) throw new Error('no key')
  const privateKey = await networkPrivateKey(own)
  const node = await startDiscovery(context, { privateKey, committee: first, config: idle, dht: false })
  await until(context, () => same(connectedTo(node), idsOf(moving, leaving)))

  await moving.node.stop()
  const moved = await startValidator(context, 1)
  node.discovery.setCommittee(
    committeeOf(
      new Map([
        [0, []],
        [1, moved.addresses],
        [3, coming.addresses]
      ])
    )
  )
  await until(context, () => same(connectedTo(node), idsOf(moved, leaving, coming)))
  await until(context, () => isProtected(node, leaving) === false)
  await breakAll(context, node, [moved, leaving, coming], [moved, coming])
  await exchangesOf(context, [node], 20)
  assert.deepEqual(connectedTo(node), idsOf(moved, coming))
  for (const peer of [moved, coming]) assert.equal(isProtected(node, peer), true)
})

test('a network that is stopped leaves no socket, server or timer', options, async (context) => {
  const before = process.getActiveResourcesInfo().toSorted()
  const first = await startDiscovery(context)
  const nodes = [first]
  for (let count = 0; count < 3; count++) nodes.push(await startDiscovery(context, { seeds: first.addresses }))
  await until(context, () => nodes.every((node) => connectedTo(node).length === 3))
  assert.notDeepEqual(process.getActiveResourcesInfo().toSorted(), before)
  await Promise.all(nodes.map(({ node }) => node.stop()))
  await new Promise((resolve) => setImmediate(resolve)) // what is closed is taken off the list then
  assert.deepEqual(process.getActiveResourcesInfo().toSorted(), before)
})
