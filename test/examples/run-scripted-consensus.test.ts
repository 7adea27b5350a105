import assert from 'node:assert/strict'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { runScriptedConsensus, type ScriptedConsensusInit } from '../../examples/cli/run-scripted-consensus.ts'
import type { ConsensusCommit } from '../../src/node/soma-node.ts'
import { buildGenesis } from '../../src/testing/genesis-builder.ts'
import { deriveValidatorKeys } from '../../src/testing/validator-keys.ts'
import { ManualClock } from '../peers/manual-clock.ts'

const START = 1_000_000
const INTERVAL = 100
const { genesis, keys } = buildGenesis({ validators: [{ keys: deriveValidatorKeys(1, 0) }], startTimeMs: START })

let directory: string
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'soma-scripted-'))
})
after(() => rm(directory, { recursive: true }))

/** A node that takes every commit, and tells who waits for one. */
class TakingNode {
  readonly commits: ConsensusCommit[] = []
  readonly store: { watermarks: { highestSynced: { index: number } } }
  #waiting: { index: number; resolve: () => void } | undefined
  refusal: Error | undefined

  constructor(highestSynced = 0) {
    this.store = { watermarks: { highestSynced: { index: highestSynced } } }
  }

  readonly consensus = {
    sendCommit: async (commit: ConsensusCommit): Promise<'stored'> => {
      if (this.refusal !== undefined) throw this.refusal
      const { index } = commit.subDag.commit.ref
      assert.equal(index, this.store.watermarks.highestSynced.index + 1, 'a gap')
      this.commits.push(commit)
      this.store.watermarks.highestSynced = { index }
      if (index >= (this.#waiting?.index ?? Number.POSITIVE_INFINITY)) this.#waiting?.resolve()
      return 'stored'
    },
    onOvertaken: () => () => {}
  }

  async reached(index: number): Promise<void> {
    if (this.store.watermarks.highestSynced.index >= index) return
    await new Promise<void>((resolve) => {
      this.#waiting = { index, resolve }
    })
  }
}

function run(name: string, node: TakingNode, options: Partial<ScriptedConsensusInit['options']> = {}) {
  const clock = new ManualClock(START)
  const stop = new AbortController()
  const running = runScriptedConsensus({
    node,
    clock,
    signal: stop.signal,
    snapshotPath: join(directory, name),
    options: { genesis, keys, seed: 1, transactions: 1, transactionBytes: 32, roundIntervalMs: INTERVAL, ...options }
  })
  const ended = async (): Promise<void> => {
    stop.abort()
    await running
  }
  return { clock, running, ended }
}

test('a commit is handed in when the round that certifies it is due', async () => {
  const node = new TakingNode()
  const { clock, ended } = run('paced', node)
  while (clock.sleeping === 0) await new Promise(setImmediate)
  clock.advance(4 * INTERVAL - 1)
  await new Promise(setImmediate)
  assert.equal(node.commits.length, 0, 'too early')
  clock.advance(1)
  await node.reached(1)
  clock.advance(10 * INTERVAL)
  await node.reached(11)
  while (clock.sleeping === 0) await new Promise(setImmediate)
  assert.equal(node.commits.length, 11)
  await ended()
})

test('after a restart it goes on where it was, and makes the same chain', async () => {
  const first = new TakingNode()
  const before = run('resumed', first)
  before.clock.advance(2_500 * INTERVAL)
  await first.reached(2_100)
  await before.ended()
  assert.ok((await stat(join(directory, 'resumed'))).isFile())

  const again = new TakingNode(2_050)
  const after = run('resumed', again)
  after.clock.advance(2_500 * INTERVAL)
  await again.reached(2_100)
  await after.ended()
  assert.deepEqual(
    again.commits.slice(0, 50).map(({ subDag }) => subDag.commit.ref),
    first.commits.slice(2_050, 2_100).map(({ subDag }) => subDag.commit.ref)
  )
})

test('a store that was emptied beneath it gets the chain from its first commit', async () => {
  const first = new TakingNode()
  const before = run('emptied', first)
  before.clock.advance(2_000 * INTERVAL)
  await first.reached(1_001)
  await before.ended()

  const emptied = new TakingNode()
  const after = run('emptied', emptied)
  after.clock.advance(10 * INTERVAL)
  await emptied.reached(5)
  await after.ended()

  const otherSeed = run('emptied', new TakingNode(1_001), { seed: 2 })
  await assert.rejects(otherSeed.running, {
    code: 'CONFIG_WRONG_VALUE',
    message: /emptied: a snapshot of seed 1, not 2/
  })
})

test('a commit that the node refuses ends it with the refusal', async () => {
  const node = new TakingNode()
  node.refusal = new Error('refused')
  const { clock, running } = run('refused', node)
  while (clock.sleeping === 0) await new Promise(setImmediate)
  clock.advance(4 * INTERVAL)
  await assert.rejects(running, /refused/)
})
