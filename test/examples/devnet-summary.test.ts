import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type DevnetResult, isOk, problems, summaryJson, summaryText } from '../../examples/devnet/summary.ts'

const node = (name: string, role: 'validator' | 'full') => ({
  name,
  role,
  epoch: 5,
  peerId: `12D3KooW${name}`,
  highestSynced: 1030,
  lowestAvailable: 1,
  highestExecuted: 1030,
  connections: 4
})

const result: DevnetResult = {
  chain: { commits: 1000, epochs: 5, blocks: 3996, bytes: 17_825_792 },
  catchUp: { seconds: 2, commits: 1010, blocks: 4040, bytes: 4 * 1024 * 1024 },
  live: { commits: 20, latencyMs: { p50: 8.12345, p99: 14.5 } },
  nodes: [node('validator-0', 'validator'), node('full-node-0', 'full')],
  comparison: {
    height: 1030,
    held: [
      { commit: 'c0', state: '50' },
      { commit: 'c0', state: '50' }
    ],
    differences: []
  },
  behind: []
}

test('the JSON has every field that is promised, and no other', () => {
  assert.deepEqual(summaryJson(result), {
    ok: true,
    chain: { commits: 1000, epochs: 5, blocks: 3996, bytes: 17_825_792 },
    catchUp: { seconds: 2, commitsPerSecond: 505, blocksPerSecond: 2020, mebibytesPerSecond: 2 },
    live: { commits: 20, latencyMs: { p50: 8.123, p99: 14.5 } },
    nodes: result.nodes.map((node) => ({ ...node, commitDigest: 'c0', stateDigest: '50' }))
  })
})

test('without full nodes there is no catch-up', () => {
  assert.deepEqual(summaryJson({ ...result, catchUp: undefined }).catchUp, {
    seconds: 0,
    commitsPerSecond: 0,
    blocksPerSecond: 0,
    mebibytesPerSecond: 0
  })
  assert.doesNotMatch(summaryText({ ...result, catchUp: undefined }), /catch-up|NaN/)
})

test('a full node that lacked nothing has no rate', () => {
  const none = { seconds: 0.21, commits: 0, blocks: 0, bytes: 0 }
  assert.match(summaryText({ ...result, catchUp: none }), /^catch-up {2}there was nothing to catch up with$/m)
})

test('the text says that all are equal, how fast, how late and where each stands', () => {
  const text = summaryText(result)
  assert.match(text, /^chain {5}1,000 commits, 5 epochs, 3,996 blocks, 17\.0 MiB$/m)
  assert.doesNotMatch(summaryText({ ...result, chain: { ...result.chain, epochs: 1 } }), /epochs/)
  assert.match(text, /all 2 nodes at commit 1,030/)
  assert.match(text, /2\.00 s: 505 commits\/s, 2,020 blocks\/s, 2\.0 MiB\/s/)
  assert.match(text, /8\.1 ms from validator to executor \(p99 14\.5 ms\)/)
  assert.match(text, /full-node-0\s+5\s+1,030\s+1\s+1,030\s+4\s+12D3KooWfull-node-0/)
})

test('a difference is not ok, and the problem says where it is', () => {
  const [held] = result.comparison.held
  assert(held)
  const different: DevnetResult = {
    ...result,
    comparison: {
      ...result.comparison,
      held: [held, { commit: 'c0', state: '51' }],
      differences: [{ node: 'full-node-0', what: 'state', index: 77, found: '4f', expected: '' }]
    }
  }
  assert.equal(isOk(different), false)
  assert.equal(summaryJson(different).ok, false)
  assert.deepEqual(problems(different), [
    'full-node-0 differs from commit 77 on: its state after commit 77 is 4f, not missing'
  ])
  assert.doesNotMatch(summaryText(different), /equal/)
})

test('a node that did not come to the height of the others is not ok', () => {
  const behind = { ...result, behind: ['full-node-0 stands at commit 900'] }
  assert.equal(summaryJson(behind).ok, false)
  assert.deepEqual(problems(behind), behind.behind)
})
