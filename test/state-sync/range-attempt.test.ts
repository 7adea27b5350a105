import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PeerId } from '@libp2p/interface'
import { trustBlock, type VerifiedBlock } from '../../src/consensus/signed-block.ts'
import type { Rpc } from '../../src/rpc/rpc.ts'
import { ByteBudget } from '../../src/runtime/byte-budget.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { CheckpointGuard } from '../../src/state-sync/checkpoint-guard.ts'
import { Pace } from '../../src/state-sync/pace.ts'
import { Range } from '../../src/state-sync/range.ts'
import { attemptRange } from '../../src/state-sync/range-attempt.ts'
import { StageTallies } from '../../src/state-sync/stage-tallies.ts'
import { SyncError } from '../../src/state-sync/sync-error.ts'
import { openMemoryStore } from '../../src/storage/index.ts'
import { buildChain, commitAt, forkChain } from '../../src/testing/index.ts'
import { createBlockVerifier } from '../../src/verify/block-verifier.ts'
import { createMainThreadVerifier } from '../../src/verify/main-thread-verifier.ts'
import { epochsOf } from './open-epochs.ts'
import { randomPeer } from './random-peer.ts'

const chain = buildChain({ commits: 4 })
const INDEX = 3
const { commit, blocks } = commitAt(chain, INDEX).subDag
const [first] = blocks
if (first === undefined || blocks.length < 2) throw new RangeError('a commit of two blocks is needed')

const by = (peer: PeerId) => ({ peer, pace: new Pace(() => systemClock.monotonic()), onServed: () => {} })

/** Held by somebody else at the beginning. */
const OTHERS = 1_000

/** An attempt that waits for room for its second block, while its first one is being verified. */
async function begin() {
  const store = await openMemoryStore({ genesis: chain.genesis })
  const budget = new ByteBudget(OTHERS + (first?.bytes.byteLength ?? 0))
  await budget.acquire(OTHERS, { signal: new AbortController().signal, isUrgent: () => false })
  const stages = new StageTallies(() => systemClock.monotonic())
  const range = new Range(INDEX, INDEX)
  range.certify({ commits: [commit], certifiers: [] })
  const secondIsAsked = Promise.withResolvers<void>()
  const verified = Promise.withResolvers<VerifiedBlock[]>()
  const stopped = new AbortController()
  const stream = async function* () {
    yield { blocks: [blocks[0]?.bytes] }
    secondIsAsked.resolve()
    yield { blocks: [blocks[1]?.bytes] }
  }
  const ended = attemptRange(
    {
      rpc: { stream } as unknown as Rpc,
      store,
      guard: new CheckpointGuard(undefined),
      blockVerifier: {
        verify: () => assert.fail('no certifiers are verified'),
        verifyCertified: () => verified.promise
      },
      epochs: epochsOf(store),
      budget,
      stages,
      isLowest: () => false,
      onProgress: () => {}
    },
    range,
    { ...by(await randomPeer()), end: INDEX, signal: stopped.signal }
  ).then(
    () => undefined,
    (thrown: unknown) => thrown
  )
  await secondIsAsked.promise
  await turn() // and now it waits for room
  return { budget, range, verified, stopped, ended }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Turns of the microtask queue within which a failure comes through the pipe, and room for the waiting bytes comes before, among and after them. */
const MOMENTS = Array.from({ length: 40 }, (_, i) => i)

/** Nothing is held but for what the range keeps, and that comes back with it. */
async function assertNothingLost({ budget, range }: { budget: ByteBudget; range: Range }, kept = 0): Promise<void> {
  await turn()
  const most = commit.bytes.byteLength + kept
  assert.ok(budget.held <= most, `${budget.held} bytes are held for ${most}`)
  budget.release(range.abandon())
  assert.equal(budget.held, 0)
}

describe('an attempt at a range that ends while it waits for room', () => {
  it('gives back what it is given at the very moment of a failure', async () => {
    for (const moment of MOMENTS) {
      const attempt = await begin()
      attempt.verified.reject(new Error('our own fault'))
      for (let i = 0; i < moment; i++) await Promise.resolve()
      attempt.budget.release(OTHERS)
      assert.ok((await attempt.ended) instanceof Error)
      await assertNothingLost(attempt)
    }
  })

  it('gives back what it is given at the very moment when it is given up', async () => {
    for (const moment of MOMENTS) {
      const attempt = await begin()
      attempt.stopped.signal.addEventListener('abort', () => attempt.verified.reject(attempt.stopped.signal.reason))
      attempt.budget.release(OTHERS)
      for (let i = 0; i < moment; i++) await Promise.resolve()
      attempt.stopped.abort(new Error('no longer wanted'))
      assert.ok((await attempt.ended) instanceof Error)
      await assertNothingLost(attempt)
    }
  })

  it('keeps what was verified before', async () => {
    const attempt = await begin()
    attempt.verified.resolve([trustBlock(first)])
    attempt.budget.release(OTHERS)
    attempt.stopped.abort(new Error('no longer wanted'))
    await attempt.ended
    await assertNothingLost(attempt, first.bytes.byteLength)
  })
})

describe('an attempt at a range whose certified commits conflict with the trusted checkpoint', () => {
  it('ends before any of its blocks is asked for, with the evidence', async () => {
    const store = await openMemoryStore({ genesis: chain.genesis })
    const fork = forkChain(chain, { after: 1, commits: 4 })
    const { committee } = chain.genesis
    const stream = async function* (_: unknown, { name }: { name: string }) {
      if (name !== 'fetch-commits') assert.fail(`${name} is asked`)
      const certifierBlocks = commitAt(fork, 4).certifiers
      yield { commits: fork.commits.map(({ subDag }) => subDag.commit.bytes), certifierBlocks }
    }
    const range = new Range(1, 4)
    const epochs = epochsOf(store)
    await epochs.open()
    const attempt = (guard: CheckpointGuard) =>
      attemptRange(
        {
          rpc: { stream } as unknown as Rpc,
          store,
          guard,
          blockVerifier: createBlockVerifier({
            chainId: chain.genesis.chainId,
            signatures: createMainThreadVerifier(),
            getCommittee: async () => committee
          }),
          epochs,
          budget: new ByteBudget(1_000_000),
          stages: new StageTallies(() => systemClock.monotonic()),
          isLowest: () => true,
          onProgress: () => {}
        },
        range,
        { ...by(peer), end: 4, signal: new AbortController().signal }
      )
    const peer = await randomPeer()
    await assert.rejects(attempt(new CheckpointGuard({ commit: commit.ref, committee })), (thrown: unknown) => {
      assert.ok(thrown instanceof SyncError)
      assert.equal(thrown.code, 'SYNC_FORK')
      assert.equal(thrown.evidence?.commits.length, 4)
      assert.ok((thrown.evidence?.certifiers.length ?? 0) >= 3)
      return true
    })
    assert.equal(range.certified, undefined)
    await assert.rejects(attempt(new CheckpointGuard(undefined)), /fetch-blocks is asked/)
  })
})
