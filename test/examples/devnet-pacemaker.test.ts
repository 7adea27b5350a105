import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pacemaker } from '../../examples/devnet/pacemaker.ts'
import type { ConsensusCommit } from '../../src/node/soma-node.ts'

const ROUND = 40

interface Times {
  /** The commit made before. */
  readonly lastCommit: number
  /** The round in which a commit is due. @default that of its index */
  readonly roundOf?: (index: number) => number
  readonly onMake?: (index: number) => void
  readonly onHandIn?: (index: number) => Promise<unknown>
}

/** A pacemaker on a clock that only its own sleeping moves, and what it did when. */
function paced({ lastCommit, roundOf = (index) => index, onMake, onHandIn }: Times) {
  let now = 0
  const consensus = {
    lastCommit: { index: lastCommit },
    dueMs: (index: number) => 1_000_000 + roundOf(index) * ROUND,
    async nextCommit() {
      onMake?.(consensus.lastCommit.index + 1)
      consensus.lastCommit = { index: consensus.lastCommit.index + 1 }
      return { subDag: { index: consensus.lastCommit.index } } as unknown as ConsensusCommit
    }
  }
  const handedIn: [index: number, at: number][] = []
  const pacemaker = new Pacemaker({
    consensus,
    roundIntervalMs: ROUND,
    handIn: async () => {
      const { index } = consensus.lastCommit
      handedIn.push([index, now])
      await onHandIn?.(index)
    },
    now: () => now,
    async sleep(milliseconds, { signal }) {
      signal.throwIfAborted()
      now += milliseconds
    }
  })
  return { pacemaker, consensus, handedIn, late: (milliseconds: number) => (now += milliseconds) }
}

const never = new AbortController().signal

test('commits up to the pace are handed in at once, the ones after it every round', async () => {
  const { pacemaker, handedIn } = paced({ lastCommit: 5 })
  pacemaker.stopAt(10)
  await pacemaker.run({ index: 7, at: 1000, roundMs: 250 }, never)
  assert.deepEqual(
    handedIn.map(([index]) => index),
    [6, 7, 8, 9, 10]
  )
  assert.deepEqual(handedIn.slice(2), [
    [8, 1250],
    [9, 1500],
    [10, 1750]
  ])
})

test('where an epoch ends, the rounds that this takes go by', async () => {
  const rounds = [0, 1, 2, 7, 11, 12]
  const { pacemaker, handedIn } = paced({ lastCommit: 1, roundOf: (index) => rounds[index] ?? 0 })
  pacemaker.stopAt(5)
  await pacemaker.run({ index: 1, at: 0, roundMs: 250 }, never)
  assert.deepEqual(handedIn, [
    [2, 250],
    [3, 1500],
    [4, 2500],
    [5, 2750]
  ])
})

test('overdue commits are handed in at once, one after the other, until the time is kept again', async () => {
  const { pacemaker, handedIn, late } = paced({ lastCommit: 0, onHandIn: async (index) => index === 1 && late(700) })
  pacemaker.stopAt(5)
  await pacemaker.run({ index: 0, at: 0, roundMs: 250 }, never)
  assert.deepEqual(handedIn, [
    [1, 250],
    [2, 950],
    [3, 950],
    [4, 1000],
    [5, 1250]
  ])
})

test('it cannot stop below what it has handed in or is making, and says where it does', async () => {
  const { pacemaker, handedIn } = paced({
    lastCommit: 0,
    onMake: (index) => index === 2 && assert.equal(pacemaker.stopAt(1), 2),
    onHandIn: async (index) => {
      if (index === 2) pacemaker.stopAt(Number.POSITIVE_INFINITY)
      if (index === 4) assert.equal(pacemaker.stopAt(2), 4)
    }
  })
  await pacemaker.run({ index: 0, at: 0, roundMs: 10 }, never)
  assert.equal(handedIn.length, 4)
})

test('aborted, it hands in no further commit, and makes none that it would not hand in', async () => {
  const controller = new AbortController()
  const { pacemaker, handedIn, consensus } = paced({
    lastCommit: 0,
    onHandIn: async (index) => index === 3 && controller.abort(new Error('over'))
  })
  await assert.rejects(pacemaker.run({ index: 0, at: 0, roundMs: 10 }, controller.signal), { message: 'over' })
  assert.equal(handedIn.length, 3)
  assert.equal(consensus.lastCommit.index, 3)
})
