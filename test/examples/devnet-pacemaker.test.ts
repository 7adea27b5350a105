import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pacemaker } from '../../examples/devnet/pacemaker.ts'
import type { ConsensusCommit } from '../../src/node/soma-node.ts'

/** A pacemaker on a clock that only its own sleeping moves, and what it did when. */
function paced(lastCommit: number, onHandIn?: (index: number) => Promise<unknown>) {
  let now = 0
  const consensus = {
    lastCommit: { index: lastCommit },
    nextCommit() {
      consensus.lastCommit = { index: consensus.lastCommit.index + 1 }
      return { subDag: { index: consensus.lastCommit.index } } as unknown as ConsensusCommit
    }
  }
  const handedIn: [index: number, at: number][] = []
  const pacemaker = new Pacemaker({
    consensus,
    handIn: async () => onHandIn?.(consensus.lastCommit.index),
    onHandedIn: (index, at) => handedIn.push([index, at]),
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
  const { pacemaker, handedIn } = paced(5)
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

test('overdue commits are handed in at once, one after the other, until the time is kept again', async () => {
  const { pacemaker, handedIn, late } = paced(0, async (index) => index === 1 && late(700))
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

test('it cannot stop below what it has handed in, and says where it does', async () => {
  const { pacemaker, handedIn } = paced(0, async (index) => {
    if (index === 4) assert.equal(pacemaker.stopAt(2), 4)
  })
  await pacemaker.run({ index: 0, at: 0, roundMs: 10 }, never)
  assert.equal(handedIn.length, 4)
})

test('aborted, it hands in no further commit, and makes none that it would not hand in', async () => {
  const controller = new AbortController()
  const { pacemaker, handedIn, consensus } = paced(
    0,
    async (index) => index === 3 && controller.abort(new Error('over'))
  )
  await assert.rejects(pacemaker.run({ index: 0, at: 0, roundMs: 10 }, controller.signal), { message: 'over' })
  assert.equal(handedIn.length, 3)
  assert.equal(consensus.lastCommit.index, 3)
})
