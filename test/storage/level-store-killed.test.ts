import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { randomInteger, seededRandom } from '../../src/runtime/random.ts'
import type { CommitStore } from '../../src/storage/commit-store.ts'
import { openLevelStore } from '../../src/storage/level-store.ts'
import { buildChain } from '../../src/testing/chain-builder.ts'
import { assertBytes, assertWhole, bytesOf } from '../../src/testing/storage-conformance-fixture.ts'
import { ChildStore } from './child-store.ts'
import { EndlessChain } from './endless-chain.ts'

const SEED = 7
const ROUNDS = 6

describe('the on-disk store of a killed process', () => {
  it(`opens at a commit boundary, whole, with all that was durable (seed ${SEED})`, async (t) => {
    const path = await mkdtemp(join(tmpdir(), 'soma-killed-'))
    t.after(() => rm(path, { recursive: true }))
    const random = seededRandom(SEED)
    const { genesis } = buildChain({ commits: 0 })
    const chain = new EndlessChain(genesis)

    for (let round = 1; round <= ROUNDS; round++) {
      const writer = new ChildStore(t, './killed-writer.ts', [path, String(SEED * 100 + round)])
      const said = [await writer.line()]
      await delay(randomInteger(random, 250)) // the instant of the kill is the test's own choice, not a wait for something
      await writer.kill()
      said.push(...(await writer.rest()))
      const durable = Number(said.filter((line) => /^\d+$/.test(line)).at(-1))

      const store = await openLevelStore(path, { genesis })
      const where = `round ${round}, killed after commit ${durable}`
      assert.ok(
        store.watermarks.highestSynced.index >= durable,
        `${where}: opened at ${store.watermarks.highestSynced.index}`
      )
      assert.ok(((await store.getCursor('executor')) ?? 0) >= durable, where)
      await assertAllWhole(store, chain)
      const next = store.watermarks.highestSynced.index + 1
      await store.write(chain.write(next, next + 5))
      await assertAllWhole(store, chain)
      await store.close()
    }
  })
})

async function assertAllWhole(store: CommitStore, chain: EndlessChain): Promise<void> {
  const { lowestAvailable, highestSynced, highestCertifiable } = store.watermarks
  assert.deepEqual(highestSynced, chain.commitAt(highestSynced.index).commit.ref)
  assert.equal(highestCertifiable, highestSynced.index)
  for (let index = lowestAvailable; index <= highestSynced.index; index++) {
    await assertWhole(store, chain.commitAt(index))
    assertBytes(await store.getCertifiers(index), bytesOf(chain.certifiersOf(index)), `certifiers of commit ${index}`)
  }
  // What is pruned is gone, though the kill came in the middle of the pruning.
  const pruned = Array.from({ length: lowestAvailable - 1 }, (_, i) => chain.commitAt(i + 1))
  const blocks = await store.getBlocks(pruned.flatMap((subDag) => subDag.commit.commit.blocks))
  assert.ok(
    blocks.every((bytes) => bytes === undefined),
    `blocks below commit ${lowestAvailable}`
  )
}
