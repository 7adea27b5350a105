import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { toHex } from '../../src/runtime/hex.ts'
import { randomInteger, seededRandom } from '../../src/runtime/random.ts'
import { openLevelStore } from '../../src/storage/index.ts'
import { buildChain, changingValidators, commitAt, TestNetwork } from '../../src/testing/index.ts'
import { killProcess } from '../kill-process.ts'
import type { CheckpointedNodeOptions } from './checkpointed-node.ts'

const SEED = Number(process.env.TEST_SEED ?? 60)
const ROUNDS = 8
const LENGTH = 60
const BEGINNING = 24

describe(`a node killed while it begins at a checkpoint (seed ${SEED})`, () => {
  it('has begun there or not at all, and comes to the tip', { timeout: 120_000 }, async (t) => {
    const epochs = { commits: 10, validators: changingValidators({ sizes: [4, 7] }) }
    const chain = buildChain({ commits: LENGTH, epochs })
    const random = seededRandom(SEED)
    const { ref, commit } = commitAt(chain, BEGINNING).subDag.commit
    const committee = chain.committees[commit.epoch] ?? assert.fail('no committee')
    await using network = new TestNetwork(chain)
    const server = await network.start({ commits: LENGTH, prunedBelow: BEGINNING + 1 })
    for (let round = 0; round < ROUNDS; round++) {
      const directory = await mkdtemp(join(tmpdir(), 'soma-p2p-checkpoint-'))
      t.after(() => rm(directory, { recursive: true, force: true }))
      const options: CheckpointedNodeOptions = {
        genesis: toHex(chain.genesis.bytes),
        directory: join(directory, 'chain'),
        seeds: server.addresses(),
        checkpoint: { index: BEGINNING, digest: toHex(ref.digest), committee: toHex(committee.bytes) }
      }
      const child = fork(new URL('./checkpointed-node.ts', import.meta.url), [JSON.stringify(options)], {
        stdio: ['ignore', 'ignore', 'inherit', 'ipc']
      })
      t.after(() => killProcess(child))
      await once(child, 'message')
      await delay(randomInteger(random, 120)) // the instant is what is random here
      await killProcess(child)

      const store = await openLevelStore(options.directory, { genesis: chain.genesis })
      const { highestSynced, lowestAvailable } = store.watermarks
      const where = `round ${round}: ${lowestAvailable} to ${highestSynced.index}`
      const hasBegun = highestSynced.index > 0
      assert.equal(lowestAvailable, hasBegun ? BEGINNING + 1 : 1, where)
      assert.ok(!hasBegun || highestSynced.index >= BEGINNING, where)
      const { digest } = (await store.getBeginning())?.commit ?? {}
      assert.deepEqual(digest, hasBegun ? ref.digest : undefined, where)

      const again = { seeds: [server], store, ...(hasBegun ? {} : { checkpoint: { commit: ref, committee } }) }
      const node = await network.start(again)
      await network.reached(node, LENGTH, { signal: AbortSignal.timeout(60_000) })
      await network.stop(node)
      await store.close()
    }
  })
})
