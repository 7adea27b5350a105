import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { SomaNode } from '../../src/node/soma-node.ts'
import { openMemoryStore } from '../../src/storage/index.ts'
import { buildChain, startByzantinePeer, TestNetwork } from '../../src/testing/index.ts'
import { randomPeer } from '../state-sync/random-peer.ts'

const chain = buildChain({ commits: 3 })
const patience = () => AbortSignal.timeout(20_000)

const isConnected = async (node: SomaNode, peer: { readonly peerId: { toString(): string } }): Promise<boolean> =>
  (await node.status()).peers.some(({ peerId }) => peerId === peer.peerId.toString())

async function connected(node: SomaNode, peer: { readonly peerId: { toString(): string } }): Promise<void> {
  for (const signal = patience(); !(await isConnected(node, peer)); await turn()) signal.throwIfAborted()
}

describe('an operator who bans', () => {
  it('disconnects the peer at once, keeps it out over a restart, and lets it in again', async (context) => {
    await using network = new TestNetwork(chain)
    await using peer = await startByzantinePeer({ chain })
    const store = await openMemoryStore({ genesis: chain.genesis })
    context.after(() => store.close())
    const peerId = peer.peerId.toString()
    const node = await network.start({ store })
    await peer.dial(node)
    await connected(node, peer)
    await node.ban(peerId, { reason: 'floods us', durationMs: 60_000 })
    await peer.disconnectedFrom(node.peerId, { signal: patience() })
    assert.deepEqual(
      node.bans().map((ban) => [ban.peerId, ban.reason]),
      [[peerId, 'floods us']]
    )
    await network.stop(node)
    const again = await network.start({ store })
    assert.equal(again.bans().length, 1)
    await peer.dial(again).catch(() => undefined) // refused during the dial or right after it
    await peer.disconnectedFrom(again.peerId, { signal: patience() })
    assert.equal(await isConnected(again, peer), false)
    assert.equal(await again.unban(peerId), true)
    assert.equal(await again.unban(peerId), false)
    await peer.dial(again)
    await connected(again, peer)
  })

  it('is told what is no ban', async () => {
    await using network = new TestNetwork(chain)
    const friend = (await randomPeer()).toString()
    const configured = (await randomPeer()).toString()
    const node = await network.start({ allowlist: [friend], configured: [`/ip4/127.0.0.1/tcp/1/p2p/${configured}`] })
    const peer = (await randomPeer()).toString()
    const invalid = { code: 'BAN_INVALID' }
    await assert.rejects(node.ban('nobody'), invalid)
    await assert.rejects(node.unban('nobody'), invalid)
    for (const chosen of [friend, configured, node.peerId.toString()]) await assert.rejects(node.ban(chosen), invalid)
    for (const durationMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      await assert.rejects(node.ban(peer, { durationMs }), invalid)
    }
    for (const reason of ['', 'x'.repeat(129)]) await assert.rejects(node.ban(peer, { reason }), invalid)
    assert.deepEqual(node.bans(), [])
  })
})
