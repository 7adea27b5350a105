import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { subDagBytes } from '../../src/consensus/committed-sub-dag.ts'
import { randomInteger, seededRandom } from '../../src/runtime/random.ts'
import {
  buildChain,
  commitAt,
  type LinkCondition,
  startDelayingProxy,
  TestNetwork,
  unusedPort
} from '../../src/testing/index.ts'

const SEED = Number(process.env.TEST_SEED ?? 11)
const COMMITS = 120
const MEBIBYTE = 1024 * 1024
/** In megabits. */
const ONE_MEBIBYTE_A_SECOND = (MEBIBYTE * 8) / 1e6
/** A torn link, after every so many commits, within so many bytes. */
const TORN_AFTER_COMMITS = 15
const TORN_WITHIN_BYTES = 200_000

const chain = buildChain({ commits: COMMITS, seed: SEED, transactions: 1, transactionBytes: 16_000 })
const bytes = chain.commits.reduce((sum, { subDag }) => sum + subDagBytes(subDag), 0)

interface Limit extends LinkCondition {
  readonly name: string
  readonly isTorn?: boolean
}

const limits: readonly Limit[] = [
  { name: '1 MiB a second', megabitsPerSecond: ONE_MEBIBYTE_A_SECOND },
  { name: '300 ms of latency each way', delayMs: 300 },
  { name: '1 MiB a second and 300 ms of latency each way', megabitsPerSecond: ONE_MEBIBYTE_A_SECOND, delayMs: 300 },
  {
    name: '1 MiB a second, torn again and again',
    megabitsPerSecond: ONE_MEBIBYTE_A_SECOND,
    isTorn: true
  }
]

describe(`a node whose only link is poor (seed ${SEED})`, () => {
  for (const { name, isTorn = false, ...condition } of limits) {
    it(`syncs the whole chain over ${name}`, { timeout: 200_000 }, async (t) => {
      const random = seededRandom(SEED)
      await using network = new TestNetwork(chain)
      const target = { host: '127.0.0.1', port: await unusedPort() }
      const link = await startDelayingProxy({ target, ...condition })
      t.after(() => link.stop())
      const server = await network.start({
        validator: 0,
        commits: COMMITS,
        listen: [`/ip4/127.0.0.1/tcp/${target.port}`],
        announce: [`/ip4/127.0.0.1/tcp/${link.address.port}`], // there is no way around the link
        dht: false
      })
      const since = performance.now()
      let tears = 0
      const signal = AbortSignal.timeout(180_000)
      const node = await network.start({ seeds: [server], configured: server.addresses(), listen: [], dht: false })
      for (let index = TORN_AFTER_COMMITS; isTorn && index < COMMITS; index += TORN_AFTER_COMMITS) {
        await network.reached(node, index, { signal })
        link.tear(randomInteger(random, TORN_WITHIN_BYTES))
        tears += 1
      }
      await network.reached(node, COMMITS, { signal })
      assert.deepEqual(node.store.watermarks.highestSynced, commitAt(chain, COMMITS).subDag.commit.ref)
      const perSecond = bytes / ((performance.now() - since) / 1_000) / MEBIBYTE
      const torn = isTorn ? `, torn ${tears} times` : ''
      t.diagnostic(`${(bytes / MEBIBYTE).toFixed(1)} MiB at ${perSecond.toFixed(2)} MiB/s${torn}`)
    })
  }
})
