import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { SomaNode } from '../../src/node/soma-node.ts'
import { toHex } from '../../src/runtime/hex.ts'
import { buildChain, commitAt, TestNetwork } from '../../src/testing/index.ts'
import { assertSyncIsWell } from './assert-sync-is-well.ts'

const chain = buildChain({ commits: 420 })
const signal = () => AbortSignal.timeout(60_000)

async function assertEqualChains(nodes: readonly SomaNode[], index: number): Promise<void> {
  for (const node of nodes) {
    const commit = await node.store.getCommit(index)
    assert.equal(commit && toHex(commit.ref.digest), toHex(commitAt(chain, index).subDag.commit.ref.digest))
  }
}

/** Every commit of a node in order, from its subscription: what an executor would see. */
async function executed(node: SomaNode, from: number, to: number): Promise<number[]> {
  const indexes: number[] = []
  for await (const { commit, blocks } of node.subscribe({ from, signal: signal() })) {
    assert.equal(blocks.length, commit.commit.blocks.length)
    indexes.push(commit.ref.index)
    if (commit.ref.index === to) break
  }
  return indexes
}

describe('a whole network over real TCP', () => {
  it('seven nodes agree, of which one is pruned, one behind, and one leaves in the middle', async () => {
    await using network = new TestNetwork(chain)
    const first = await network.start({ validator: 0, commits: 400 })
    const pruned = await network.start({ validator: 1, commits: 400, prunedBelow: 300, seeds: [first] })
    const leaving = await network.start({ validator: 2, commits: 400, seeds: [first] })
    const behind = await network.start({ validator: 3, commits: 150, seeds: [first] })
    const full = await Promise.all([1, 2, 3].map(() => network.start({ seeds: [first] })))

    await network.reached(full[0] as SomaNode, 100, { signal: signal() })
    await network.stop(leaving)
    await Promise.all([...full, behind].map((node) => network.reached(node, 400, { signal: signal() })))

    for (let index = 401; index <= 420; index++) await network.commit(index, [first, pruned])
    await Promise.all(network.nodes.map((node) => network.reached(node, 420, { signal: signal() })))
    await assertEqualChains(network.nodes, 420)
    assert.equal(pruned.store.watermarks.lowestAvailable, 300)
    for (const node of full) {
      assert.deepEqual(
        await executed(node, 1, 420),
        Array.from({ length: 420 }, (_, i) => i + 1)
      )
      await assertSyncIsWell(node)
    }
  })

  it('a full node serves what it has synced, with proof, to one that knows nobody else', async () => {
    await using network = new TestNetwork(chain)
    const validator = await network.start({ validator: 0, commits: 400 })
    const middle = await network.start({ seeds: [validator] })
    await network.reached(middle, 400, { signal: signal() })
    await network.stop(validator)
    const last = await network.start({ seeds: [middle], config: { commitsPerRange: 33 } })
    await network.reached(last, 400, { signal: signal() })
    await assertEqualChains([last], 400)
  })

  it('a commit handed to one validator reaches nodes hop by hop', async () => {
    await using network = new TestNetwork(chain)
    const validator = await network.start({ validator: 0, commits: 10 })
    const near = await network.start({ seeds: [validator], config: { maxConnections: 2, targetConnections: 1 } })
    await network.reached(near, 10, { signal: signal() })
    const far = await network.start({ seeds: [near], config: { maxConnections: 2, targetConnections: 1 } })
    await network.reached(far, 10, { signal: signal() })
    for (let index = 11; index <= 30; index++) await network.commit(index, [validator])
    await Promise.all([near, far].map((node) => network.reached(node, 30, { signal: signal() })))
    await assertEqualChains([near, far], 30)
  })

  it('consensus is told when the sync has overtaken it', async () => {
    await using network = new TestNetwork(chain)
    const ahead = await network.start({ validator: 0, commits: 200 })
    const late = await network.start({ validator: 1, seeds: [ahead] })
    const overtaken = new Promise<number>((resolve) => {
      late.consensus.onOvertaken(({ index }) => resolve(index))
    })
    assert.ok((await overtaken) > 0)
    await network.reached(late, 200, { signal: signal() })
    assert.equal(await late.consensus.sendCommit(commitAt(chain, 150)), 'known')
    assert.equal(await late.consensus.sendCommit(commitAt(chain, 201)), 'stored')
  })
})
