import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accountOf } from './journal.ts'
import { type HeldChain, judgeChains, judgeJournals } from './judge.ts'

const held = (node: string, commits: string[], states = ['x', 'y', 'z']): HeldChain => ({ node, commits, states })
const good = ['a', 'b', 'c']

test('nodes that hold the same up to the tip are right, whatever is above it', () => {
  assert.deepEqual(judgeChains([held('v', good), held('w', [...good, 'd'])], 3), [])
})

test('another commit, another state, a gap and an early end are each found, in the node that has them', () => {
  for (const wrong of [
    held('n', ['a', 'B', 'c']),
    held('n', good, ['x', 'y', 'Z']),
    held('n', ['a', '', 'c']),
    held('n', ['a', 'b'])
  ]) {
    const [finding, ...more] = judgeChains([held('v', good), held('w', good), wrong], 3)
    assert.match(finding ?? '', /^n /)
    assert.deepEqual(more, [])
  }
})

test('a journal that tells of another state, or of one commit twice, is found', () => {
  const judge = (text: string) => judgeJournals([{ node: 'n', account: accountOf(text) }], held('v', good)).length
  assert.equal(judge('began 0\n1 x\nbegan 2\n3 z\n'), 0)
  assert.equal(judge('began 0\n1 x\n2 Y\n'), 1)
  assert.equal(judge('began 0\n1 x\n1 x\n'), 1)
})
