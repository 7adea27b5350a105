import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { runScriptedConsensus, type ScriptedConsensusInit } from '../../examples/cli/run-scripted-consensus.ts'
import type { ConsensusCommit } from '../../src/node/soma-node.ts'
import type { Health } from '../../src/runtime/health.ts'
import { StorageError } from '../../src/storage/storage-error.ts'
import { buildGenesis } from '../../src/testing/genesis-builder.ts'
import { deriveValidatorKeys } from '../../src/testing/validator-keys.ts'
import { ed25519PublicKey } from '../../src/verify/ed25519.ts'
import { ManualClock } from '../peers/manual-clock.ts'

const START = 1_000_000
const INTERVAL = 100
const validator = deriveValidatorKeys(1, 0)
const { genesis, keys } = buildGenesis({ validators: [{ keys: validator }], startTimeMs: START })
const publicKeyOf = (index: number) => publicKeyFromRaw(ed25519PublicKey(deriveValidatorKeys(1, index).networkSeed))

let directory: string
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'soma-scripted-'))
})
after(() => rm(directory, { recursive: true }))

/** A node that takes every commit, and tells who waits for one. */
class TakingNode {
  readonly commits: ConsensusCommit[] = []
  readonly peerId = { publicKey: publicKeyOf(0) }
  /** The epoch that the chain goes on in. */
  epoch = 0
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

  /** What it was told of the health of its consensus. */
  readonly health: Health[] = []

  reportHealth(part: string, health: Health): void {
    assert.equal(part, 'consensus')
    this.health.push(health)
  }

  async status(): Promise<{ epoch: number }> {
    return { epoch: this.epoch }
  }

  async reached(index: number): Promise<void> {
    if (this.store.watermarks.highestSynced.index >= index) return
    await new Promise<void>((resolve) => {
      this.#waiting = { index, resolve }
    })
  }
}

function run(
  name: string,
  node: TakingNode,
  options: Partial<ScriptedConsensusInit['options']> = {},
  ledger?: ScriptedConsensusInit['ledger']
) {
  const clock = new ManualClock(START)
  const stop = new AbortController()
  const running = runScriptedConsensus({
    node,
    ledger,
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

test('a disk that takes nothing makes it wait and say so, and nothing is left out', async () => {
  const node = new TakingNode()
  const { clock, ended } = run('refused', node)
  const sleeps = async () => {
    while (clock.sleeping === 0) await new Promise(setImmediate)
  }
  node.refusal = new StorageError('STORAGE_WRITE_FAILED', 'the disk is full')
  clock.advance(5 * INTERVAL) // commits 1 and 2 are due
  for (let time = 1; time <= 3; time++) {
    await sleeps()
    assert.equal(node.commits.length, 0)
    assert.deepEqual(node.health.at(-1), { state: 'degraded', reason: 'the disk is full; trying again' })
    if (time === 3) node.refusal = undefined
    clock.advance(1_000)
  }
  await node.reached(2)
  assert.deepEqual(node.health.at(-1), { state: 'ok' })
  await ended()
})

test('a snapshot that cannot be written is told of until one is again', async () => {
  const node = new TakingNode()
  const { clock, ended } = run('later/snapshot', node)
  const states = () => node.health.map(({ state }) => state)
  clock.advance(104 * INTERVAL)
  await node.reached(101)
  assert.deepEqual(states(), ['degraded'])
  await mkdir(join(directory, 'later'))
  clock.advance(200 * INTERVAL)
  await node.reached(301)
  assert.deepEqual(states(), ['degraded', 'ok'])
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

test('around the end of an epoch it keeps the time of the rounds that this takes', async () => {
  const node = new TakingNode()
  const ledger = { stateAfter: async () => new Uint8Array(32) }
  const { clock, ended } = run('epochs', node, { epochs: { commits: 3 } }, ledger)
  // Due are the commits of rounds 1, 2 and 7, three rounds later; the next epoch begins after round 10.
  const due = [4, 5, 10, 14, 15, 20]
  for (const [at, round] of due.entries()) {
    while (clock.sleeping === 0) await new Promise(setImmediate)
    assert.equal(node.commits.length, at, `commit ${at + 1} is too early`)
    clock.advance((round - (due[at - 1] ?? 0)) * INTERVAL)
    await node.reached(at + 1)
  }
  await ended()
})

test('of an epoch that its validator sits out it hands in nothing, and goes on when the node has followed', async () => {
  const others = [validator, deriveValidatorKeys(1, 1)].map((keys) => ({ keys }))
  const two = buildGenesis({ validators: others, startTimeMs: START })
  const validators = (epoch: number) => (epoch === 1 ? others.slice(1) : others)
  const node = new TakingNode()
  const executed: number[] = []
  const ledger = {
    async stateAfter(index: number) {
      if (index >= 3 && index <= 4) executed.push(index)
      node.store.watermarks.highestSynced = { index: Math.max(index, node.store.watermarks.highestSynced.index) }
      return new Uint8Array(32)
    }
  }
  const { clock, ended } = run('sits-out', node, { ...two, epochs: { commits: 2, validators } }, ledger)
  clock.advance(100 * INTERVAL)
  await node.reached(6)
  await ended()
  assert.deepEqual(
    node.commits.slice(0, 4).map(({ subDag }) => subDag.commit.ref.index),
    [1, 2, 5, 6]
  )
  assert.deepEqual([...new Set(executed)], [3, 4])
})

test('where epochs prove nothing, the first commit of one waits until the node knows its committee', async () => {
  const node = new TakingNode()
  const ledger = { stateAfter: () => assert.fail('asked for a state') }
  const { clock, ended } = run('inserted', node, { epochs: { commits: 2, proofs: false } }, ledger)
  clock.advance(100 * INTERVAL)
  await node.reached(2)
  while (clock.sleeping === 0) await new Promise(setImmediate)
  assert.equal(node.commits.length, 2)
  node.epoch = 1
  clock.advance(INTERVAL)
  await node.reached(4)
  await ended()
})
