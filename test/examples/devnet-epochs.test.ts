import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type DevnetEnd, startDevnet } from './devnet-process.ts'

const COMMITS = 18
const EPOCH_COMMITS = 4
let dataDir: string
before(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'soma-devnet-test-'))
})
after(() => rm(dataDir, { recursive: true }))

interface Node {
  readonly name: string
  readonly epoch: number
  readonly highestSynced: number
  readonly stateDigest: string
}

/** What a devnet that went well says of its nodes, which all are at one commit and one state, in the epoch that this commit leads to. */
function equalNodes({ exit, lastLine, stderr }: DevnetEnd): { height: number; nodes: Node[] } {
  assert.equal(exit, 0, stderr)
  const { ok, chain, nodes } = JSON.parse(lastLine) as { ok: boolean; chain: object; nodes: Node[] }
  assert.equal(ok, true)
  assert.deepEqual({ ...chain, blocks: 0, bytes: 0 }, { commits: COMMITS, epochs: 5, blocks: 0, bytes: 0 })
  const [first] = nodes
  assert.ok(first !== undefined)
  const { highestSynced: height, stateDigest } = first
  const epoch = Math.floor(height / EPOCH_COMMITS)
  for (const node of nodes) assert.deepEqual(node, { ...node, highestSynced: height, stateDigest, epoch })
  return { height, nodes }
}

test('validators change with every epoch, through a kill of all nodes in the middle, and a full node follows', async () => {
  const where = ['--data-dir', dataDir, '--round-ms', '100', '--transactions', '2']
  const epochs = ['--validators', '3', '--commits', String(COMMITS), '--epoch-commits', String(EPOCH_COMMITS)]
  const killed = startDevnet(...where, ...epochs, '--follow', '60')
  await killed.shown(/live [1-9]/)
  for (const pid of await killed.nodePids()) process.kill(pid, 'SIGKILL')
  assert.equal((await killed.end).exit, 1)

  // In three of four epochs somebody sits out. A slow machine comes as far in several runs.
  let height = 0
  while (height < COMMITS + 2 * EPOCH_COMMITS) {
    const end = equalNodes(await startDevnet(...where, '--follow', '6').end)
    assert.ok(end.height > height)
    assert.equal(end.nodes.length, 4)
    height = end.height
  }

  const again = equalNodes(await startDevnet(...where, '--follow', '0', '--full-nodes', '2').end)
  assert.ok(again.height > height)
  assert.equal(again.nodes.length, 5)
})

test('flags that do not go with epochs are refused', async () => {
  const { exit, stderr } = await startDevnet('--epoch-commits', '4', '--transaction-bytes', '100').end
  assert.equal(exit, 2)
  assert.match(stderr, /--transaction-bytes is of opaque transactions/)
})
