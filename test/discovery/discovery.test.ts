import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { DiscoveryError, discovery } from '../../src/discovery/index.ts'
import { buildGenesis } from '../../src/testing/genesis-builder.ts'
import { deriveValidatorKeys } from '../../src/testing/validator-keys.ts'
import { makePeer } from '../peers/make-peer.ts'
import { ManualClock } from '../peers/manual-clock.ts'
import {
  connectedTo,
  type DiscoveryNode,
  genesis,
  idsOf,
  informedOf,
  same,
  startDiscovery,
  until
} from './start-discovery.ts'

const options = { timeout: 20_000 }

const isMeshed = (...nodes: DiscoveryNode[]) =>
  nodes.every((node) => {
    const others = idsOf(...nodes.filter((other) => other !== node))
    return same(connectedTo(node), others) && same(informedOf(node), others)
  })

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

test('two nodes find each other by a seed, and each learns of the other', options, async (context) => {
  const a = await startDiscovery(context)
  const b = await startDiscovery(context, { seeds: a.addresses })
  await until(context, () => isMeshed(a, b))
  assert.deepEqual(
    a.discovery.known().map(({ source }) => source),
    ['gossip']
  )
  assert.equal(a.node.getConnections().length, 1)
})

test('three find each other by introduction', options, async (context) => {
  const a = await startDiscovery(context)
  const b = await startDiscovery(context, { seeds: a.addresses })
  const c = await startDiscovery(context, { seeds: b.addresses })
  await until(context, () => isMeshed(a, b, c))
  const [known] = a.discovery.known().filter(({ peerId }) => peerId.equals(c.node.peerId))
  assert.deepEqual(
    known?.addresses.map(String),
    c.addresses.map((address) => address.replace(/\/p2p\/.*/, ''))
  )
})

test('a seed that is down is tried until it is up', options, async (context) => {
  const { privateKey, peerId } = await makePeer(1)
  const attempts = Promise.withResolvers<void>()
  let count = 0
  const down = createServer((socket) => {
    socket.destroy()
    count += 1
    if (count === 3) attempts.resolve()
  })
  await new Promise<void>((resolve) => down.listen(0, '127.0.0.1', resolve))
  const address = down.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const listen = `/ip4/127.0.0.1/tcp/${address.port}`
  const b = await startDiscovery(context, { seeds: [`${listen}/p2p/${peerId}`] })
  await attempts.promise
  await new Promise((resolve) => down.close(resolve))
  const a = await startDiscovery(context, { privateKey, listen })
  await until(context, () => isMeshed(a, b))
})

test(
  'who connects while the good peers are being read is told of once, and introduces in its own name',
  options,
  async (context) => {
    const { privateKey, peerId } = await makePeer(1)
    const listen = `/ip4/127.0.0.1/tcp/${await freePort()}`
    const loading = Promise.withResolvers<void>()
    const loaded = Promise.withResolvers<void>()
    const records = {
      getRecord: async () => {
        loading.resolve()
        await loaded.promise
        return undefined
      },
      setRecord: async () => {}
    }
    const starting = startDiscovery(context, { privateKey, listen, records })
    await loading.promise
    const b = await startDiscovery(context, { seeds: [`${listen}/p2p/${peerId}`] })
    await until(context, () => b.discovery.status().exchanges.succeeded > 0) // so both sides have the connection
    loaded.resolve()
    const a = await starting
    await until(context, () => isMeshed(a, b))
    assert.equal(a.events.filter(({ type }) => type === 'connected').length, 1)
    assert.equal(a.discovery.known()[0]?.introducer, b.node.peerId.toString())
  }
)

test('dialling stops at the target', options, async (context) => {
  const few = { config: { targetConnections: 1 }, dht: false } // whose queries visit more peers for a while
  const hub = await startDiscovery(context, few)
  const others = await Promise.all([1, 2, 3, 4, 5].map(() => startDiscovery(context, { ...few, seeds: hub.addresses })))
  await until(context, () => connectedTo(hub).length === 5)
  const node = await startDiscovery(context, { ...few, config: { targetConnections: 3 }, seeds: hub.addresses })
  await until(context, () => same(informedOf(node), idsOf(hub, ...others)) && connectedTo(node).length >= 3)
  const { succeeded } = node.discovery.status().exchanges
  await until(context, () => node.discovery.status().exchanges.succeeded > succeeded + 10)
  // others may have dialled it meanwhile
  const outbound = node.peers.connected().filter(({ direction }) => direction === 'outbound')
  assert.ok(outbound.length <= 3, `it dialled ${outbound.length}`)
  assert.equal(node.discovery.status().dialling, 0)
})

test('the validators of the genesis are found without a seed', options, async (context) => {
  const keys = [0, 1, 2, 3].map((index) => deriveValidatorKeys(1, index))
  const networkSeed = keys[0]?.networkSeed ?? new Uint8Array(32)
  const validator = await startDiscovery(context, { privateKey: await generateKeyPairFromSeed('Ed25519', networkSeed) })
  const validators = keys.map((key, index) => ({ keys: key, addresses: index === 0 ? validator.addresses : [] }))
  const { genesis: withAddresses } = buildGenesis({ validators, startTimeMs: 0 })
  const node = await startDiscovery(context)
  assert.deepEqual(node.discovery.known(), [])
  node.discovery.setCommittee(withAddresses.committee)
  await until(context, () => same(connectedTo(node), idsOf(validator)))
  assert.equal(node.discovery.known()[0]?.source, 'committee')
})

test('configured peers are dialled over the target, and at run time', options, async (context) => {
  const [a, b] = [await startDiscovery(context), await startDiscovery(context)]
  const node = await startDiscovery(context, { configured: a.addresses, config: { targetConnections: 0 } })
  await until(context, () => same(connectedTo(node), idsOf(a)))
  node.discovery.setConfiguredPeers([{ peerId: b.node.peerId, addresses: b.node.getMultiaddrs() }])
  await until(context, () => same(connectedTo(node), idsOf(a, b)))
})

test('a private node is known to those it was configured with only', options, async (context) => {
  const friend = await startDiscovery(context)
  const hidden = await startDiscovery(context, {
    configured: friend.addresses,
    accessType: 'private'
  })
  await until(context, () => same(informedOf(friend), idsOf(hidden)))
  const stranger = await startDiscovery(context, { seeds: friend.addresses })
  await until(context, () => same(informedOf(friend), idsOf(hidden, stranger)))
  // the private node finds and dials the stranger, who still is not told who it is
  await until(context, () => same(connectedTo(hidden), idsOf(friend, stranger)))
  const { succeeded } = stranger.discovery.status().exchanges
  await until(context, () => stranger.discovery.status().exchanges.succeeded > succeeded + 5)
  assert.deepEqual(informedOf(stranger), idsOf(friend))
})

test(
  'addresses of private ranges are neither given away nor taken, unless the network is private',
  options,
  async (context) => {
    const open = await startDiscovery(context, { config: { privateNetwork: false } })
    const local = await startDiscovery(context, { seeds: open.addresses })
    await until(context, () => (open.discovery.status().infos.refused.INFO_NO_ADDRESS ?? 0) > 0)
    assert.equal(open.discovery.ownInfo(), undefined)
    assert.deepEqual(informedOf(open), [])
    assert.deepEqual(informedOf(local), [])
    assert.equal(open.peers.standing(local.node.peerId).penalty, 0, 'that is no fault of the peer')
  }
)

test('at each tick the own info is renewed and five connected peers are asked', options, async (context) => {
  const quiet = { config: { targetConnections: 1, discoveryIntervalMs: 3_600_000 } }
  const clock = new ManualClock(Date.now())
  const hub = await startDiscovery(context, {
    ...quiet,
    clock,
    config: { targetConnections: 0, discoveryIntervalMs: 5_000 }
  })
  await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(() => startDiscovery(context, { ...quiet, seeds: hub.addresses })))
  const asked = () => hub.discovery.status().exchanges
  await until(context, () => hub.discovery.status().answered === 8 && hub.discovery.known().length === 8)
  assert.equal(asked().succeeded + asked().underWay, 0) // each new one has asked, and knew nobody
  const before = hub.discovery.ownInfo()
  clock.advance(5_000)
  await until(context, () => asked().succeeded >= 5 && asked().underWay === 0)
  assert.equal(asked().succeeded, 5)
  assert.equal(hub.discovery.ownInfo()?.timestampMs, (before?.timestampMs ?? 0) + 5_000)
})

test('a peer that was lost is found again', options, async (context) => {
  const a = await startDiscovery(context)
  const b = await startDiscovery(context, { seeds: a.addresses })
  await until(context, () => isMeshed(a, b))
  const lost = new Promise((resolve) => a.node.addEventListener('peer:disconnect', resolve, { once: true }))
  for (const connection of b.node.getConnections()) connection.abort(new Error('a cable was pulled'))
  await lost
  await until(context, () => isMeshed(a, b))
  assert.ok(a.events.some((event) => event.type === 'disconnected'))
})

test('a stopped node leaves nothing running, and starts again', options, async (context) => {
  const clock = new ManualClock(Date.now())
  const a = await startDiscovery(context)
  const b = await startDiscovery(context, { seeds: a.addresses, clock })
  await until(context, () => isMeshed(a, b))
  assert.ok(clock.sleeping > 0)
  await b.node.stop()
  assert.equal(clock.sleeping, 0)
  assert.deepEqual(b.discovery.status().exchanges, { underWay: 0, succeeded: 0, failed: 0 })
  await until(context, () => connectedTo(a).length === 0)
  await b.node.start()
  await until(context, () => same(connectedTo(b), idsOf(a)))
})

test('a fault of our own ends the loop once, says so, and leaves nothing running', options, async (context) => {
  const clock = new ManualClock(Date.now())
  const failures: string[] = []
  let ticks = 0
  const a = await startDiscovery(context, {
    clock,
    capabilities: () => {
      ticks += 1
      if (ticks === 2) throw new Error('a bug')
      return []
    },
    onFailure: (error) => failures.push(error.message)
  })
  await until(context, () => a.discovery.ownInfo() !== undefined)
  clock.advance(50)
  await until(context, () => failures.length > 0)
  await until(context, () => clock.sleeping === 0)
  assert.deepEqual(failures, ['a bug'])
})

test('a seed without a peer id is refused at once', () => {
  assert.throws(
    () => discovery({ genesis, seeds: ['/ip4/127.0.0.1/tcp/1'] }),
    (thrown) => thrown instanceof DiscoveryError && thrown.code === 'PEER_ADDRESS_INVALID'
  )
})
