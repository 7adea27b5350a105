import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import type { Connection, Libp2p } from '@libp2p/interface'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2pInit } from 'libp2p'
import type { NodeConfig, SomaNode } from '../../src/node/soma-node.ts'
import { buildChain, TestNetwork } from '../../src/testing/index.ts'

const NOISE = '/noise'
const TLS = '/tls/1.0.0'
const COMMITS = 120
const chain = buildChain({ commits: COMMITS })
const preferTls: Partial<NodeConfig> = { encryption: 'tls' }

/** A libp2p node without anything of ours, that encrypts in these ways, the one it likes best first. */
async function startPlain(connectionEncrypters: Libp2pInit['connectionEncrypters']): Promise<Libp2p> {
  return await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    ...(connectionEncrypters && { connectionEncrypters }),
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    services: { identify: identify(), ping: ping() }
  })
}

describe('what connections are encrypted with', () => {
  /** Runs with a plain node, stopped afterwards. */
  async function dial(node: SomaNode, encrypters: Libp2pInit['connectionEncrypters']): Promise<string | undefined> {
    const plain = await startPlain(encrypters)
    try {
      return (await plain.dial(multiaddr(node.addresses()[0]))).encryption
    } finally {
      await plain.stop()
    }
  }

  it('is what the other asks for, where the node prefers TLS', async () => {
    await using network = new TestNetwork(chain)
    const node = await network.start({ config: preferTls })
    assert.equal(await dial(node, [tls(), noise()]), TLS)
    assert.equal(await dial(node, [noise(), tls()]), NOISE)
    assert.equal(await dial(node, [noise()]), NOISE)
  })

  it('is noise by default, whatever the other prefers', async () => {
    await using network = new TestNetwork(chain)
    const node = await network.start()
    assert.equal(await dial(node, [tls(), noise()]), NOISE)
    await assert.rejects(dial(node, [tls()]))
  })

  for (const { config, other, expected, when } of [
    {
      config: preferTls,
      other: [noise(), tls()],
      expected: TLS,
      when: 'a node that prefers TLS dials one that speaks it'
    },
    {
      config: preferTls,
      other: [noise()],
      expected: NOISE,
      when: 'a node that prefers TLS dials one that does not speak it'
    },
    { config: {}, other: [tls(), noise()], expected: NOISE, when: 'a node that prefers nothing dials' }
  ]) {
    it(`is ${expected} when ${when}`, async () => {
      const plain = await startPlain(other)
      try {
        const opened = once(plain, 'connection:open')
        await using network = new TestNetwork(chain)
        await network.start({ config, seeds: plain.getMultiaddrs().map(String) })
        const [{ detail }] = (await opened) as [CustomEvent<Connection>]
        assert.equal(detail.encryption, expected)
      } finally {
        await plain.stop()
      }
    })
  }

  it('does not keep a chain from those that prefer TLS or from those that do not', { timeout: 60_000 }, async () => {
    await using network = new TestNetwork(chain)
    const validator = await network.start({ validator: 0, commits: COMMITS, config: preferTls })
    const signal = AbortSignal.timeout(50_000)
    for (const config of [preferTls, {}]) {
      await network.reached(await network.start({ seeds: [validator], config }), COMMITS, { signal })
    }
  })
})
