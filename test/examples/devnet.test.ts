import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { z } from 'zod'
import { LedgerDatabase } from '../../examples/ledger/ledger-database.ts'
import { POSITION_KEY } from '../../examples/ledger/ledger-keys.ts'
import { decodePosition, encodePosition } from '../../examples/ledger/ledger-position.ts'
import { startDevnet } from './devnet-process.ts'

const COMMITS = 60
const flags = ['--commits', String(COMMITS), '--round-ms', '100', '--follow', '1', '--transactions', '3']
let dataDir: string
before(async () => {
  dataDir = join(await mkdtemp(join(tmpdir(), 'soma-devnet-test-')), 'devnet')
})
after(() => rm(join(dataDir, '..'), { recursive: true }))

const positive = z.number().positive()
const digest = z.string().regex(/^[0-9a-f]{64}$/)
const summarySchema = z.strictObject({
  ok: z.literal(true),
  chain: z.strictObject({
    commits: z.literal(COMMITS),
    epochs: z.literal(1),
    blocks: z.int().positive(),
    bytes: z.int().positive()
  }),
  catchUp: z.strictObject({
    seconds: positive,
    commitsPerSecond: positive,
    blocksPerSecond: positive,
    mebibytesPerSecond: positive
  }),
  live: z.strictObject({ commits: z.int().positive(), latencyMs: z.strictObject({ p50: positive, p99: positive }) }),
  nodes: z.array(
    z.strictObject({
      name: z.string(),
      role: z.enum(['validator', 'full']),
      peerId: z.string().startsWith('12D3KooW'),
      epoch: z.literal(0),
      highestSynced: z.int(),
      lowestAvailable: z.literal(1),
      highestExecuted: z.int(),
      commitDigest: digest,
      stateDigest: digest,
      connections: z.int().positive()
    })
  )
})

test('a devnet ends with all nodes equal, and says so in JSON, field by field', async () => {
  const { exit, lastLine, stderr } = await startDevnet('--data-dir', dataDir, ...flags).end
  assert.equal(exit, 0, stderr)
  const { chain, live, nodes } = summarySchema.parse(JSON.parse(lastLine))
  assert(chain.blocks >= COMMITS && chain.bytes > chain.blocks * 3 * 400)
  assert.deepEqual(
    nodes.map(({ name, role }) => `${name} ${role}`),
    [
      'validator-0 validator',
      'validator-1 validator',
      'validator-2 validator',
      'validator-3 validator',
      'full-node-0 full'
    ]
  )
  assert.equal(new Set(nodes.map(({ peerId }) => peerId)).size, 5)
  for (const key of ['highestSynced', 'highestExecuted', 'commitDigest', 'stateDigest'] as const) {
    assert.equal(new Set(nodes.map((node) => node[key])).size, 1, key)
  }
  assert((nodes[0]?.highestSynced ?? 0) >= COMMITS + live.commits)
  assert.deepEqual((await readdir(dataDir)).sort(), ['chain', 'devnet.json', ...nodes.map(({ name }) => name)].sort())
})

test('a node whose state differs is a failure that names it and the first commit where it does', async () => {
  const ledger = await LedgerDatabase.open(join(dataDir, 'full-node-0', 'ledger'), undefined)
  const stored = await ledger.get(POSITION_KEY)
  assert(stored)
  const position = decodePosition(stored)
  const other = encodePosition({ ...position, stateDigest: new Uint8Array(32).fill(7) })
  await ledger.write([{ type: 'put', key: POSITION_KEY, value: other }])
  await ledger.close()

  const { exit, lastLine, stderr } = await startDevnet('--data-dir', dataDir, '--follow', '0').end
  assert.equal(exit, 1, stderr)
  assert.match(stderr, new RegExp(`full-node-0 differs from commit ${position.highestExecuted + 1} on: its state`))
  assert.match(stderr, /DEVNET_DIFFERENCES/)
  const { ok, nodes } = JSON.parse(lastLine)
  assert.equal(ok, false)
  assert.equal(new Set(nodes.map((node: { commitDigest: string }) => node.commitDigest)).size, 1)
  assert.equal(new Set(nodes.map((node: { stateDigest: string }) => node.stateDigest)).size, 2)
})

test('a data directory of another devnet is refused before anything is started', async () => {
  for (const flag of ['--seed', '--validators']) {
    const { exit, lastLine, stderr } = await startDevnet('--data-dir', dataDir, flag, '7').end
    assert.equal(exit, 2, stderr)
    assert.match(stderr, new RegExp(`holds a devnet with ${flag} \\d, not 7`))
    assert.equal(lastLine, '{"ok":false}')
  }
})
