import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type LookupFunction } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { prometheusMetrics } from '@libp2p/prometheus-metrics'
import { Registry } from 'prom-client'
import { publicLookup } from '../../src/node/public-lookup.ts'
import type { SomaNode } from '../../src/node/soma-node.ts'
import { buildChain } from '../../src/testing/chain-builder.ts'
import { TestNetwork } from '../../src/testing/test-network.ts'

const chain = buildChain({ commits: 1 })
const options = { timeout: 15_000 }
/** What the system resolves to 127.0.0.1 without asking anyone, though it is no IP address. */
const INNER_NAME = '127.1'
const OTHER_INNER_NAME = '127.0.1'

/** The answers of a resolver that knows one host, as `net.connect` takes them. */
function lookUp(addresses: readonly string[], { all = true, isTrusted = false, code = '' } = {}) {
  const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
  const lookup: LookupFunction = (_host, { all: isAll }, callback) => {
    assert.equal(isAll, isTrusted ? all : true)
    callback(code === '' ? null : Object.assign(new Error(code), { code }), found)
  }
  return new Promise<unknown>((resolve) => {
    publicLookup({ isTrusted: () => isTrusted, lookup })('a.example', { all }, (error, ...result) =>
      resolve(error === null ? result : error.code)
    )
  })
}

/** A server that counts who connects, and says nothing. */
async function startServer(context: TestContext) {
  let connections = 0
  const server = createServer((socket) => {
    connections += 1
    socket.destroy()
  }).listen(0, '127.0.0.1')
  context.after(() => server.close())
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, count: () => connections }
}

describe('a name', () => {
  it('leads to its public addresses only', async () => {
    const inner = ['10.0.0.1', '127.0.0.1', '169.254.169.254', '::1', 'fd12::1', '::ffff:10.0.0.1', 'fe80::1%eth0']
    assert.deepEqual(await lookUp(inner), 'ENOTFOUND')
    assert.deepEqual(await lookUp([]), 'ENOTFOUND')
    assert.deepEqual(await lookUp([...inner, '8.8.8.8', '2606:4700::1']), [
      [
        { address: '8.8.8.8', family: 4 },
        { address: '2606:4700::1', family: 6 }
      ]
    ])
    assert.deepEqual(await lookUp([...inner, '2606:4700::1'], { all: false }), ['2606:4700::1', 6])
    assert.deepEqual(await lookUp(inner, { all: false }), 'ENOTFOUND')
  })

  it('that is not known is told of as the resolver does', async () => {
    assert.equal(await lookUp([], { code: 'EAI_AGAIN' }), 'EAI_AGAIN')
  })

  it('that the operator gave leads anywhere', async () => {
    const found = await lookUp(['10.0.0.1'], { isTrusted: true })
    assert.deepEqual(found, [[{ address: '10.0.0.1', family: 4 }]])
  })

  it('that leads into our own network is not connected to', options, async (context) => {
    const { port, count } = await startServer(context)
    const reach = async (isTrusted: boolean) => {
      const socket = connect({ host: INNER_NAME, port, lookup: publicLookup({ isTrusted: () => isTrusted }) })
      return Promise.race([once(socket, 'connect'), once(socket, 'error')]).then(
        () => 'connected',
        (thrown: NodeJS.ErrnoException) => thrown.code
      )
    }
    assert.equal(await reach(false), 'ENOTFOUND')
    assert.equal(count(), 0)
    assert.equal(await reach(true), 'connected')
  })

  it(
    'that the operator gave at the start or later leads into our own network, also from a public one',
    options,
    async (context) => {
      await using network = new TestNetwork(chain)
      const [seed, configured] = [await network.start(), await network.start()]
      const named = (node: SomaNode, name: string) =>
        node.addresses().map((address) => address.replace('/ip4/127.0.0.1/', `/dns4/${name}/`))
      const node = await network.start({ seeds: named(seed, INNER_NAME), config: { privateNetwork: false } })
      node.setConfiguredPeers(named(configured, OTHER_INNER_NAME))
      const ids = [seed, configured].map(({ peerId }) => peerId.toString())
      const isConnected = async () => {
        const { peers } = await node.status()
        return ids.every((id) => peers.some(({ peerId }) => peerId === id))
      }
      while (!(await isConnected())) {
        context.signal.throwIfAborted()
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
  )

  for (const privateNetwork of [false, true]) {
    it(
      `that others tell of is ${privateNetwork ? '' : 'not '}dialled into a ${privateNetwork ? 'private' : 'public'} network`,
      options,
      async (context) => {
        const { port, count } = await startServer(context)
        const registry = new Registry()
        await using network = new TestNetwork(chain)
        const hub = await network.start()
        await network.start({ seeds: [hub], announce: [`/dns4/${INNER_NAME}/tcp/${port}`] })
        await network.start({ seeds: [hub], config: { privateNetwork }, metrics: prometheusMetrics({ registry }) })
        while (!/^soma_p2p_peers_dials_total\{outcome="failed"\} [1-9]/m.test(await registry.metrics())) {
          context.signal.throwIfAborted()
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
        assert.equal(count() > 0, privateNetwork)
      }
    )
  }
})
