import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { buildChain, commitAt, JumpingClock, TestNetwork } from '../../src/testing/index.ts'

const DAY_MS = 24 * 60 * 60_000
const chain = buildChain({ commits: 160 })
const inTime = () => ({ signal: AbortSignal.timeout(60_000) })

describe('a clock that jumps', () => {
  for (const [name, first, second] of [
    ['forward and back', DAY_MS + 60_000, -(DAY_MS + 60_000)],
    ['back and forward', -(DAY_MS + 60_000), DAY_MS + 60_000]
  ] as const) {
    it(`by more than a day, ${name}, keeps a node from nothing: it follows, serves, and parts from nobody`, async () => {
      await using network = new TestNetwork(chain)
      const clock = new JumpingClock()
      const validator = await network.start({ validator: 0, commits: 100, dht: false })
      const node = await network.start({ clock, seeds: [validator], dht: false })
      await network.reached(node, 100, inTime())

      for (const [from, jump] of [
        [101, first],
        [121, second],
        [141, 0]
      ] as const) {
        clock.jump(jump)
        for (let index = from; index < from + 20; index++) await network.commit(index, [validator])
        await network.reached(node, from + 19, inTime())
        const newcomer = await network.start({ seeds: [node], dht: false })
        await network.reached(newcomer, from + 19, inTime())
        const { peers, health } = await newcomer.status()
        assert.ok(peers.some(({ peerId }) => peerId === node.peerId.toString()))
        assert.ok(
          Object.values(health).every(({ state }) => state === 'ok'),
          JSON.stringify(health)
        )
        await network.stop(newcomer)
      }
      const { peers, uptimeMs, health } = await node.status()
      const kept = peers.find(({ peerId }) => peerId === validator.peerId.toString())
      assert.ok(kept !== undefined && kept.connectedMs > 0 && kept.connectedMs < DAY_MS)
      assert.ok(uptimeMs >= kept.connectedMs && uptimeMs < DAY_MS, 'durations know nothing of the jumps')
      assert.ok(
        Object.values(health).every(({ state }) => state === 'ok'),
        JSON.stringify(health)
      )
      assert.deepEqual(node.store.watermarks.highestSynced, commitAt(chain, 160).subDag.commit.ref)
    })
  }
})
