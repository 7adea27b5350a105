import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { SomaNode } from '../../src/node/soma-node.ts'
import { StageTally } from '../../src/state-sync/stage-tallies.ts'
import { buildChain, commitAt, TestNetwork } from '../../src/testing/index.ts'

const COMMITS = 60
const chain = buildChain({ commits: COMMITS })
const signal = new AbortController().signal

describe('StageTally', () => {
  const make = () => {
    let now = 0
    const tally = new StageTally('fetch-blocks', 'blocks', () => now)
    return { tally, pass: (milliseconds: number) => (now += milliseconds) }
  }
  const receive = async (tally: StageTally, answer: AsyncIterable<number>, by: AbortSignal = signal) => {
    let waited = 0
    const options = { wanted: 10, countOf: (count: number) => count, waitedMs: () => (waited += 250), signal: by }
    for await (const _ of tally.receive(answer, options)) assert.equal(tally.status().done > 0, true)
  }
  const parts = async function* (error?: Error) {
    yield 4
    yield 3
    if (error !== undefined) throw error
  }

  it('counts what passes, how long it took, and what is still in it', async () => {
    const { tally, pass } = make()
    tally.enter(5)
    const working = Promise.withResolvers<void>()
    const processed = tally.process(3, signal, () => working.promise)
    pass(1_500)
    assert.deepEqual([tally.status().queued, tally.status(7).queued], [5, 12])
    working.resolve()
    await processed
    const { queued, done, failed, busySeconds } = tally.status()
    assert.deepEqual({ queued, done, failed, busySeconds }, { queued: 2, done: 3, failed: 0, busySeconds: 1.5 })
  })

  it('tells what failed from what was given up', async () => {
    const { tally } = make()
    const refuse = () => Promise.reject(new Error('refused'))
    tally.enter(5)
    await assert.rejects(tally.process(3, signal, refuse), /refused/)
    await assert.rejects(tally.process(2, AbortSignal.abort(), refuse), /refused/)
    const { queued, done, failed } = tally.status()
    assert.deepEqual({ queued, done, failed }, { queued: 0, done: 0, failed: 3 })
  })

  it('counts an answer as it comes; what a whole one lacks was not there, what a torn one lacks has failed', async () => {
    const whole = make().tally
    await receive(whole, parts())
    assert.deepEqual(whole.status(), {
      name: 'fetch-blocks',
      unit: 'blocks',
      queued: 0,
      done: 7,
      failed: 0,
      busySeconds: 0.25
    })
    const torn = make().tally
    await assert.rejects(receive(torn, parts(new Error('torn'))), /torn/)
    assert.deepEqual([torn.status().queued, torn.status().done, torn.status().failed], [0, 7, 3])
    const left = make().tally
    await assert.rejects(receive(left, parts(new Error('torn')), AbortSignal.abort()), /torn/)
    assert.deepEqual([left.status().queued, left.status().failed], [0, 0])
  })
})

describe('a syncing node', () => {
  const counts = async (node: SomaNode) =>
    Object.fromEntries((await node.status()).sync.stages.map(({ name, done, failed }) => [name, { done, failed }]))

  it('says what passed through each stage, and of when its highest commit is', async () => {
    await using network = new TestNetwork(chain)
    const validator = await network.start({ validator: 0, commits: COMMITS })
    const node = await network.start()
    assert.equal((await node.status()).highestSyncedAtMs, chain.genesis.startTimeMs)
    const synced = await network.start({ seeds: [validator], config: { commitsPerRange: 7 } })
    await network.reached(synced, COMMITS, { signal: AbortSignal.timeout(60_000) })
    while ((await synced.status()).synced.commits < COMMITS) await setImmediate() // counted as the write returns

    const { sync, highestSyncedAtMs } = await synced.status()
    assert.equal(highestSyncedAtMs, commitAt(chain, COMMITS).subDag.commit.commit.timestampMs)
    assert.equal((await validator.status()).highestSyncedAtMs, highestSyncedAtMs)
    const commits = { done: COMMITS, failed: 0 }
    const blocks = { done: chain.commits.reduce((sum, { subDag }) => sum + subDag.blocks.length, 0), failed: 0 }
    assert.deepEqual(await counts(synced), {
      'fetch-commits': commits,
      'verify-commits': commits,
      'fetch-blocks': blocks,
      'verify-blocks': blocks,
      assemble: commits,
      store: commits
    })
    for (const { name, queued, busySeconds } of sync.stages) {
      assert.equal(queued, 0, name)
      assert.ok(busySeconds > 0, name)
    }
  })
})
