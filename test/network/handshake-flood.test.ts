import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { suite, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import type { SomaNode } from '../../src/node/soma-node.ts'
import { buildChain } from '../../src/testing/chain-builder.ts'
import { TestNetwork } from '../../src/testing/test-network.ts'
import { until } from '../discovery/start-discovery.ts'
import { startNode } from '../peers/start-node.ts'

const chain = buildChain({ commits: 1 })
const options = { timeout: 60_000 }
/** Beyond the places for handshakes, 100. */
const FLOOD = 150

/** Connections from other hosts that never begin their handshake, the oldest first, and those of them that the node has closed. */
async function flood(context: TestContext, node: SomaNode, hosts: readonly string[]) {
  const port = Number(/\/tcp\/(\d+)/.exec(node.addresses()[0] ?? '')?.[1])
  const sockets: Socket[] = []
  const closed: Socket[] = []
  context.after(() => {
    for (const socket of sockets) socket.destroy()
  })
  for (const localAddress of hosts) {
    const socket = connect({ host: '127.0.0.1', port, localAddress })
    socket.on('close', () => closed.push(socket))
    socket.on('error', () => {}) // the node resets those that it gives up
    socket.resume()
    await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve))
    sockets.push(socket)
  }
  return { sockets, closed }
}

async function dial(context: TestContext, node: SomaNode, privateKey: PrivateKey, dialFrom: string) {
  const peer = await startNode(context, { services: {}, privateKey, dialFrom })
  return peer.dial(node.addresses().map((address) => multiaddr(address)))
}

async function isWith(node: SomaNode, privateKey: PrivateKey): Promise<boolean> {
  const id = peerIdFromPrivateKey(privateKey).toString()
  return (await node.status()).peers.some(({ peerId }) => peerId === id)
}

async function untilWith(context: TestContext, node: SomaNode, privateKey: PrivateKey): Promise<void> {
  while (!(await isWith(node, privateKey))) await delay(20, undefined, { signal: context.signal })
}

suite('half-open handshakes', () => {
  test('from many hosts, more than there are places, keep nobody out', options, async (context) => {
    await using network = new TestNetwork(chain)
    const key = await generateKeyPair('Ed25519')
    const node = await network.start({ allowlist: [peerIdFromPrivateKey(key).toString()], private: true })
    const { closed } = await flood(
      context,
      node,
      Array.from({ length: FLOOD }, (_, index) => `127.0.1.${index + 2}`)
    )
    await until(context, () => closed.length === FLOOD - 100)
    await dial(context, node, key, '127.0.0.9')
    await untilWith(context, node, key)
    assert.equal(closed.length, FLOOD - 100 + 1, 'one gave way')
  })
  test('from one host take no more places than others leave', options, async (context) => {
    await using network = new TestNetwork(chain)
    const key = await generateKeyPair('Ed25519')
    const node = await network.start()
    const { sockets, closed } = await flood(context, node, [
      ...Array.from({ length: 10 }, (_, index) => `127.0.1.${index + 2}`),
      ...Array.from({ length: FLOOD }, () => '127.0.0.8')
    ])
    await until(context, () => closed.length === FLOOD + 10 - 100)
    await dial(context, node, key, '127.0.0.9')
    await untilWith(context, node, key)
    assert.ok(
      sockets.slice(0, 10).every((socket) => !socket.closed),
      'those of other hosts have their time'
    )
  })

  test(
    'from the host of a peer that always gets in keep it out unless its address is named',
    options,
    async (context) => {
      await using network = new TestNetwork(chain)
      const key = await generateKeyPair('Ed25519')
      const id = peerIdFromPrivateKey(key).toString()
      const config = { privateNetwork: false } // where one host may begin five a second
      const hosts = Array.from({ length: 40 }, () => '127.0.0.9')
      const byId = await network.start({ allowlist: [id], config })
      const byAddress = await network.start({ allowlist: [`/ip4/127.0.0.9/p2p/${id}`], config })
      const refused = await flood(context, byId, hosts)
      await until(context, () => refused.closed.length > 0)
      const flooded = await flood(context, byAddress, hosts)
      await dial(context, byAddress, key, '127.0.0.9')
      await untilWith(context, byAddress, key)
      assert.equal(flooded.closed.length, 0)
    }
  )
})
