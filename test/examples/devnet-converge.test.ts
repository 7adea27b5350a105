import assert from 'node:assert/strict'
import { test } from 'node:test'
import { converge } from '../../examples/devnet/converge.ts'
import type { NodeCalls, NodeReport } from '../../examples/devnet/node-protocol.ts'

type Answers = { [C in 'stopAt' | 'report']?: (argument: NodeCalls[C]['argument']) => NodeCalls[C]['answer'] }

function member(answers: Answers) {
  const call = async (name: string, argument: unknown) => {
    const answer = answers[name as keyof Answers] as ((argument: unknown) => unknown) | undefined
    assert(answer, `asked for ${name}`)
    return answer(argument)
  }
  return { process: { call: call as never } }
}

const report = (highestSynced: number, highestExecuted = highestSynced): NodeReport => ({
  peerId: '',
  epoch: 0,
  highestSynced,
  lowestAvailable: 1,
  highestExecuted,
  connections: 0
})
const { signal } = new AbortController()

test('validators that are beyond the height already move it up for all', async () => {
  const asked: number[][] = [[], []]
  const validators = [10, 13].map((handedIn, at) =>
    member({
      stopAt(height) {
        asked[at]?.push(height)
        return Math.max(height, handedIn)
      },
      report: () => report(13)
    })
  )
  const { height } = await converge({ validators, members: validators, tip: 10, signal })
  assert.equal(height, 13)
  assert.deepEqual(asked, [
    [11, 13],
    [11, 13]
  ])
})

test('it waits until every node has stored and executed the height', async () => {
  const stages = [report(5, 5), report(8, 6), report(8, 8)]
  const validator = member({ stopAt: (height) => height, report: () => report(8) })
  const full = member({ report: () => stages.shift() ?? assert.fail('asked after it was there') })
  const { height, reports } = await converge({ validators: [validator], members: [validator, full], tip: 7, signal })
  assert.equal(height, 8)
  assert.deepEqual(reports, [report(8), report(8, 8)])
  assert.equal(stages.length, 0)
})

test('it ends where nodes stand when none gets on', async () => {
  const validator = member({ stopAt: (height) => height, report: () => report(8) })
  const full = member({ report: () => report(8, 3) })
  const { reports } = await converge({ validators: [validator], members: [validator, full], tip: 7, signal }, 1)
  assert.deepEqual(reports[1], report(8, 3))
})
