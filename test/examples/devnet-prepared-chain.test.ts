import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { scriptedConsensusOptions } from '../../examples/devnet/chain-settings.ts'
import { nodeFiles, prepareChain } from '../../examples/devnet/prepared-chain.ts'
import { openLedger } from '../../examples/ledger/ledger.ts'
import { toHex } from '../../src/runtime/hex.ts'
import { openLevelStore } from '../../src/storage/index.ts'
import { ScriptedConsensus } from '../../src/testing/scripted-consensus.ts'

const settings = { seed: 3, validators: 4, commits: 230, transactions: 2, transactionBytes: 16 }
const quiet = { signal: new AbortController().signal, onProgress: () => undefined }
let parent: string
before(async () => {
  parent = await mkdtemp(join(tmpdir(), 'soma-devnet-test-'))
})
after(() => rm(parent, { recursive: true }))

test('validators get equal, whole and separate copies of one chain, and a consensus that goes on after it', async () => {
  const progress: number[] = []
  const chain = await prepareChain(parent, settings, { ...quiet, onProgress: (commits) => progress.push(commits) })
  assert.deepEqual(progress, [100, 200, 230])
  assert.equal(chain.totals.commits, 230)
  assert(chain.totals.blocks > 4 * 220 && chain.totals.bytes > chain.totals.blocks * 2 * 16)

  const scripted = scriptedConsensusOptions(settings)
  const tips: unknown[] = []
  for (const name of ['a', 'b']) {
    const directory = join(parent, name)
    await chain.cloneTo(directory)
    await chain.cloneTo(directory) // what is there is left
    const files = nodeFiles(directory)
    const store = await openLevelStore(files.store, { genesis: scripted.genesis })
    const ledger = await openLedger(files.ledger, { genesis: scripted.genesis })
    const { index, digest } = store.watermarks.highestSynced
    assert.equal(store.watermarks.highestCertifiable, 230)
    assert.equal(ledger.highestExecuted, 230)
    tips.push([index, toHex(digest), toHex(ledger.stateDigest)])
    const next = ScriptedConsensus.resume(scripted, await readFile(files.consensus)).nextCommit()
    assert.equal(toHex(next.subDag.commit.commit.previousDigest), toHex(digest))
    // Written into the first copy: the second must not have it.
    await store.write({ commits: [next.subDag] })
    await ledger.execute([next.subDag])
    await Promise.all([store.close(), ledger.close()])
  }
  assert.deepEqual(tips[0], tips[1])
})

test('a chain that is there is not made again', async () => {
  let progress = 0
  const chain = await prepareChain(parent, settings, { ...quiet, onProgress: () => (progress += 1) })
  assert.equal(progress, 0)
  assert.equal(chain.totals.commits, 230)
})

test('the making of a chain sees an interruption within a batch', async (t) => {
  const directory = await mkdtemp(join(parent, 'prompt-'))
  let time = 0
  t.mock.method(performance, 'now', () => (time += 60)) // each commit takes so long
  const nextCommit = t.mock.method(ScriptedConsensus.prototype, 'nextCommit')
  const controller = new AbortController()
  const onProgress = () => controller.abort(new Error('interrupted'))
  await assert.rejects(prepareChain(directory, settings, { signal: controller.signal, onProgress }), {
    message: 'interrupted'
  })
  assert.equal(nextCommit.mock.callCount(), 101)
})

test('a chain whose making was interrupted is made whole by the next', async () => {
  const directory = await mkdtemp(join(parent, 'interrupted-'))
  const controller = new AbortController()
  const interrupted = prepareChain(directory, settings, {
    signal: controller.signal,
    onProgress: () => controller.abort(new Error('interrupted'))
  })
  await assert.rejects(interrupted, { message: 'interrupted' })
  assert.deepEqual(await readdir(directory), ['chain.partial'])
  const chain = await prepareChain(directory, settings, quiet)
  assert.equal(chain.totals.commits, 230)
  assert.deepEqual(await readdir(directory), ['chain'])
})
