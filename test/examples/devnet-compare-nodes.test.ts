import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ComparedNode, compareNodes } from '../../examples/devnet/compare-nodes.ts'

/** A node that holds other commits or other states from an index on. */
function node(
  name: string,
  differs: { commit?: number; state?: number } = {},
  held: Partial<ComparedNode> = {}
): ComparedNode {
  const value = (what: 'commit' | 'state', index: number) =>
    `${index >= (differs[what] ?? Number.POSITIVE_INFINITY) ? 'other' : 'same'} ${what} ${index}`
  return {
    name,
    highestSynced: 100,
    lowestAvailable: 1,
    highestExecuted: 100,
    digests: async (index) => ({ commit: value('commit', index), state: value('state', index) }),
    ...held
  }
}

test('equal nodes are compared at the highest commit that all have stored and executed', async () => {
  const nodes = [node('a'), node('b', {}, { highestSynced: 90 }), node('c', {}, { highestExecuted: 70 })]
  assert.deepEqual(await compareNodes(nodes), {
    height: 70,
    held: nodes.map(() => ({ commit: 'same commit 70', state: 'same state 70' })),
    differences: []
  })
})

test('a difference names the node, what differs and the first commit where it does', async () => {
  for (const at of [1, 2, 37, 99, 100]) {
    const { differences } = await compareNodes([node('odd', { state: at }), node('b'), node('c')])
    assert.deepEqual(differences, [
      { node: 'odd', what: 'state', index: at, found: `other state ${at}`, expected: `same state ${at}` }
    ])
  }
})

test('every node that differs from most is named, for its commits and its state apart', async () => {
  const { differences } = await compareNodes([
    node('a'),
    node('forked', { commit: 50, state: 60 }),
    node('b'),
    node('wrong', { state: 3 }),
    node('c')
  ])
  assert.deepEqual(
    differences.map(({ node, what, index }) => [node, what, index]),
    [
      ['forked', 'commit', 50],
      ['forked', 'state', 60],
      ['wrong', 'state', 3]
    ]
  )
})

test('a pruned node is only asked for what it has', async () => {
  const pruned = node('pruned', { state: 5 }, { lowestAvailable: 40 })
  const asked: number[] = []
  const digests = (index: number) => {
    asked.push(index)
    return pruned.digests(index)
  }
  const { differences } = await compareNodes([{ ...pruned, digests }, node('b'), node('c')])
  assert.deepEqual(
    differences.map(({ index }) => index),
    [40]
  )
  assert.equal(Math.min(...asked), 40)
})

test('a node that holds nothing where it should is a difference', async () => {
  const empty = node('empty', {}, { digests: async () => ({ commit: '', state: '' }) })
  const { differences } = await compareNodes([node('a'), node('b'), empty])
  assert.deepEqual(
    differences.map(({ node, what, index, found }) => [node, what, index, found]),
    [
      ['empty', 'commit', 1, ''],
      ['empty', 'state', 1, '']
    ]
  )
})
