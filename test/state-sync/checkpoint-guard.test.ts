import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encodeCommit } from '../../src/consensus/commit.ts'
import type { Committee } from '../../src/consensus/committee.ts'
import { errorCode } from '../../src/runtime/soma-error.ts'
import { CheckpointGuard } from '../../src/state-sync/checkpoint-guard.ts'
import { buildChain, changingValidators, commitAt, forkChain } from '../../src/testing/index.ts'

const chain = buildChain({ commits: 20, epochs: { commits: 5, validators: changingValidators({ sizes: [4, 7] }) } })
const commitOf = (index: number, of = chain) => commitAt(of, index).subDag.commit
const committeeOf = (epoch: number): Committee => chain.committees[epoch] ?? assert.fail(`no epoch ${epoch}`)
const evidence = () => ({ commits: [], certifiers: [] })

/** At the end of epoch 1, and in epoch 2. */
const guards = [
  { index: 10, guard: new CheckpointGuard({ commit: commitOf(10).ref, committee: committeeOf(2) }) },
  { index: 12, guard: new CheckpointGuard({ commit: commitOf(12).ref, committee: committeeOf(2) }) }
]

describe('CheckpointGuard', () => {
  for (const { index, guard } of guards) {
    const refuses = (commit: ReturnType<typeof encodeCommit>) =>
      assert.throws(
        () => guard.checkCommits([commit], evidence),
        (thrown) => errorCode(thrown) === 'SYNC_FORK'
      )

    it(`lets the chain that leads through commit ${index} pass, and every hand-over of it`, () => {
      guard.checkCommits(
        chain.commits.map(({ subDag }) => subDag.commit),
        evidence
      )
      for (const epoch of [1, 2, 3, 4]) guard.checkHandOver(epoch * 5, committeeOf(epoch), evidence)
    })

    it(`refuses another commit ${index}, and one after it that does not follow it`, () => {
      const fork = forkChain(chain, { after: index - 2, commits: 20 })
      guard.checkCommits([commitOf(index - 1, fork), commitOf(index + 2, fork)], evidence)
      refuses(commitOf(index, fork))
      refuses(commitOf(index + 1, fork))
    })

    it(`refuses epochs that are not those around commit ${index}`, () => {
      refuses(encodeCommit({ ...commitOf(index - 1).commit, epoch: 3 }))
      refuses(encodeCommit({ ...commitOf(index + 1).commit, epoch: 1 }))
      refuses(encodeCommit({ ...commitOf(index + 1).commit, epoch: 3 }))
      refuses(encodeCommit({ ...commitOf(index + 5).commit, epoch: 1 }))
    })

    it(`refuses hand-overs to another committee, too soon or too late for commit ${index}`, () => {
      const hands = (lastCommit: number, next: Committee) => () => guard.checkHandOver(lastCommit, next)
      const isConflict = (thrown: unknown) => errorCode(thrown) === 'SYNC_COMMITTEE_CONFLICT'
      assert.throws(hands(10, { ...committeeOf(3), epoch: 2 }), isConflict)
      assert.throws(hands(index, committeeOf(3)), isConflict)
      assert.throws(hands(index, committeeOf(1)), isConflict)
    })
  }

  it('refuses nothing without a checkpoint', () => {
    const guard = new CheckpointGuard(undefined)
    guard.checkCommits([commitOf(3)], evidence)
    guard.checkHandOver(3, committeeOf(3))
  })
})
