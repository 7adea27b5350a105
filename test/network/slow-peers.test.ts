import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { buildChain, startByzantinePeer, startDelayingProxy, TestNetwork } from '../../src/testing/index.ts'
import { Reports } from './meet-liar.ts'

const COMMITS = 300
const chain = buildChain({ commits: COMMITS })
const patience = () => AbortSignal.timeout(90_000)

describe('honest slowness is no lie', () => {
  for (const link of [
    { megabitsPerSecond: 0.5, delayMs: 300 },
    { megabitsPerSecond: Number.POSITIVE_INFINITY, delayMs: 700 }
  ]) {
    it(`a peer behind ${link.megabitsPerSecond} Mbit/s and ${link.delayMs} ms is neither banned, nor penalised, nor disconnected`, async (context) => {
      const reports = new Reports()
      await using network = new TestNetwork(chain)
      const victim = await network.start({ onPeerReport: reports.add, config: { commitsPerRange: 10 } })
      const port = Number(/tcp.(\d+)/.exec(victim.addresses()[0] ?? '')?.[1])
      const proxy = await startDelayingProxy({ target: { host: '127.0.0.1', port }, ...link })
      const slow = await startByzantinePeer({ chain })
      context.after(() => Promise.all([slow.stop(), proxy.stop()]))
      const address = `/ip4/127.0.0.1/tcp/${proxy.address.port}/p2p/${victim.peerId}`
      await slow.dial({ addresses: () => [address] })
      const standing = async () => (await victim.status()).peers.find(({ peerId }) => peerId === slow.peerId.toString())
      while ((await standing()) === undefined) await nextTurn(undefined, { signal: context.signal })
      await network.start({ validator: 0, commits: COMMITS, seeds: [victim] })
      await network.reached(victim, COMMITS, { signal: patience() })
      const ofSlow = reports.all.filter(({ peerId }) => peerId.equals(slow.peerId))
      assert.ok(
        ofSlow.every(({ consequence }) => consequence === 'none' || consequence === 'backoff'),
        JSON.stringify(ofSlow)
      )
      assert.equal((await standing())?.score.penalty, 0)
      assert.deepEqual(victim.bans(), [])
    })
  }
})
