import assert from 'node:assert/strict'
import { test } from 'node:test'
import { subDagBytes } from '../../src/consensus/committed-sub-dag.ts'
import { buildChain, commitAt, TestNetwork } from '../../src/testing/index.ts'

const NODES = 50
const COMMITS = 120
const chain = buildChain({ commits: COMMITS, transactions: 2, transactionBytes: 500 })
const bytes = chain.commits.reduce((sum, { subDag }) => sum + subDagBytes(subDag), 0)

test('fifty nodes that begin at once sync the whole chain from one server', { timeout: 240_000 }, async (t) => {
  await using network = new TestNetwork(chain)
  const server = await network.start({ validator: 0, commits: COMMITS, dht: false })
  const signal = AbortSignal.timeout(200_000)
  const since = performance.now()
  const seconds = () => (performance.now() - since) / 1_000
  const ends = await Promise.all(
    Array.from({ length: NODES }, async () => {
      // nobody learns of it, or could dial it: it has nobody to ask but the server
      const node = await network.start({ seeds: [server], listen: [], accessType: 'private', dht: false })
      await network.reached(node, COMMITS, { signal })
      assert.deepEqual(node.store.watermarks.highestSynced, commitAt(chain, COMMITS).subDag.commit.ref)
      assert.deepEqual(
        (await node.status()).peers.map(({ peerId }) => peerId),
        [server.peerId.toString()]
      )
      return seconds()
    })
  )
  assert.deepEqual(server.bans(), [])
  const [first = 0, last = 0] = [Math.min(...ends), Math.max(...ends)]
  const rate = (NODES * bytes) / last / 2 ** 20
  t.diagnostic(
    `the first after ${first.toFixed(1)} s, the last after ${last.toFixed(1)} s: ${rate.toFixed(1)} MiB/s in all`
  )
})
