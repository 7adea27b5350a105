import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { askNode } from '../../examples/cli/control-client.ts'
import type { NodeReport } from '../../examples/cli/node-report.ts'
import { CliProcess, type CliResult } from './cli-process.ts'

/** The command line as the README walks through it: every command a process of its own. */

let directory: string
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'soma-cli-'))
  const keygen = await soma('keygen', '--out', 'validator.json')
  assert.equal(keygen.exitCode, 0, keygen.stderr)
  // A minute of rounds lies behind this chain when its validator starts.
  const startTime = new Date(Date.now() - 60_000).toISOString()
  const genesis = await soma('genesis', '--validator', 'validator.pub.json', '--start-time', startTime)
  assert.equal(genesis.exitCode, 0, genesis.stderr)
  assert.match(genesis.stdout, /^chain id {4}[0-9a-f]{64}$/m)
  assert.match(genesis.stdout, /power 10000$/m)
})
after(() => rm(directory, { recursive: true }))

function start(...args: string[]): CliProcess {
  return new CliProcess(args, directory)
}

function soma(...args: string[]): Promise<CliResult> {
  return start(...args).ended()
}

/** Asks a node until it is where it should be. */
async function until(dataDir: string, reached: (report: NodeReport) => boolean): Promise<NodeReport> {
  const deadline = performance.now() + 30_000
  for (;;) {
    const report = (await askNode(join(directory, dataDir), 'GET /status')) as NodeReport
    if (reached(report)) return report
    if (performance.now() > deadline) assert.fail(`never got there: ${JSON.stringify(report, undefined, 2)}`)
    await delay(20)
  }
}

test('a node started by hand is found and synced by another, which goes on after a restart', async (t) => {
  const validator = start(
    'node',
    '--genesis',
    'genesis.bin',
    '--key',
    'validator.json',
    '--consensus',
    'scripted',
    '--data-dir',
    'validator'
  )
  t.after(() => validator.stop('SIGKILL'))
  const [, seed = ''] = await validator.printed(/^address {3}(\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/\w+)$/m)

  await writeFile(join(directory, 'full-node.yaml'), `genesis: genesis.bin\ndataDir: full-node\nseeds:\n  - ${seed}\n`)
  const first = start('node', '--config', 'full-node.yaml')
  t.after(() => first.stop('SIGKILL'))
  const [, peerId] = await first.printed(/^peer id {3}(\w+)$/m)
  const report = await until('full-node', ({ executor }) => (executor?.highestExecuted ?? 0) >= 200)
  assert.equal(report.role, 'full')
  assert.equal(report.peerId, peerId)
  assert.equal(report.peers.length, 1)

  const status = await soma('status', '--config', 'full-node.yaml')
  assert.equal(status.exitCode, 0, status.stderr)
  assert.match(status.stdout, /^executed +to commit \d+, \d+ transactions$/m)
  assert.match(status.stdout, /^synced +to commit \d+ of \d+, epoch 0$/m)

  const second = await soma('node', '--config', 'full-node.yaml')
  assert.equal(second.exitCode, 1)
  assert.match(second.stderr, /^error: [^\n]* \[CONTROL_NODE_RUNNING\]\. [^\n]*\n$/)

  const stopped = await first.stop('SIGTERM')
  assert.equal(stopped.exitCode, 0, stopped.stderr)
  const gone = await soma('status', '--data-dir', 'full-node')
  assert.equal(gone.exitCode, 1)
  assert.match(gone.stderr, /^error: [^\n]* \[CONTROL_NO_NODE\]\. [^\n]*\n$/)

  const again = start('node', '--config', 'full-node.yaml')
  t.after(() => again.stop('SIGKILL'))
  await again.printed(new RegExp(`^peer id {3}${peerId}$`, 'm'))
  const later = await until(
    'full-node',
    ({ executor }) => (executor?.highestExecuted ?? 0) > report.highestSynced.index
  )
  assert.ok(later.synced.commits < later.highestSynced.index - 190, `it fetched ${later.synced.commits} commits again`)

  assert.equal((await again.stop('SIGINT')).exitCode, 130)
  assert.equal((await validator.stop('SIGINT')).exitCode, 130)
})

test('a scripted validator goes on after a restart where it was', async (t) => {
  const args = [
    'node',
    '--genesis',
    'genesis.bin',
    '--key',
    'validator.json',
    '--consensus',
    'scripted',
    '--data-dir',
    'restarted'
  ]
  const first = start(...args)
  t.after(() => first.stop('SIGKILL'))
  await first.printed(/^address/m)
  const before = await until('restarted', ({ highestSynced }) => highestSynced.index >= 100)
  await first.stop('SIGKILL')
  const again = start(...args)
  t.after(() => again.stop('SIGKILL'))
  await again.printed(/^address/m)
  await until('restarted', ({ highestSynced }) => highestSynced.index > before.highestSynced.index)
  assert.equal((await again.stop()).exitCode, 0)
})

test('the smallest embedding syncs from a node', async (t) => {
  const validator = start(
    'node',
    '--genesis',
    'genesis.bin',
    '--key',
    'validator.json',
    '--consensus',
    'scripted',
    '--data-dir',
    'embedded-from'
  )
  t.after(() => validator.stop('SIGKILL'))
  const [, seed = ''] = await validator.printed(/^address {3}(\S+)$/m)
  const embedding = new CliProcess(['genesis.bin', seed], directory, 'examples/smallest-node.ts')
  t.after(() => embedding.stop('SIGKILL'))
  await embedding.printed(/^commit 1: 1 blocks$/m)
  await embedding.printed(/^commit 150: 1 blocks$/m)
  const { exitCode, stderr } = await embedding.stop('SIGINT')
  assert.equal(exitCode, 0, stderr)
  assert.equal(stderr, '')
  await validator.stop()
})

test('the smallest embedding is as small as it says', async () => {
  const text = await readFile(new URL('../../examples/smallest-node.ts', import.meta.url), 'utf8')
  assert.ok(text.trimEnd().split('\n').length < 30)
})

test('mistakes end with exit code 2 and one line that names them', async () => {
  await writeFile(join(directory, 'wrong.yaml'), 'genesis: genesis.bin\nlissten: []\n')
  const mistakes: [string[], RegExp][] = [
    [
      ['node', '--config', 'wrong.yaml'],
      /wrong\.yaml:2: unknown key lissten: did you mean listen\? \[CONFIG_UNKNOWN_KEY\]/
    ],
    [['node', '--genesis', 'none.bin'], /cannot read the genesis: .*none\.bin.* \[FILE_UNREADABLE\]/],
    [['node', '--genesis', 'validator.json', '--data-dir', 'x'], /not a genesis: .* \[GENESIS_INVALID\]/],
    [['node', '--genesis', 'genesis.bin', '--consensus', 'scripted'], /key should be a validator's key file/],
    [['keygen', '--out', 'validator.json'], /validator\.pub\.json is there already \[KEY_FILE_EXISTS\]\. /],
    [['genesis', '--validator', 'validator.pub.json'], /genesis\.bin is there already \[FILE_EXISTS\]\. /],
    [
      ['genesis', '--validator', 'genesis.bin', '--out', 'y'],
      /genesis\.bin does not describe a validator: it is not JSON/
    ]
  ]
  for (const [args, message] of mistakes) {
    const { exitCode, stdout, stderr } = await soma(...args)
    assert.match(stderr, message)
    assert.match(stderr, /^error: [^\n]*\n$/, 'one line')
    assert.equal(exitCode, 2, stderr)
    assert.equal(stdout, '')
  }
  const unknown = await soma('node', '--lisen', 'x')
  assert.equal(unknown.exitCode, 2)
  assert.match(unknown.stderr, /unknown option '--lisen'\n\(Did you mean --listen\?\)/)
})

test('a key of another validator cannot script the consensus', async () => {
  await soma('keygen', '--out', 'stranger.json')
  const args = [
    '--genesis',
    'genesis.bin',
    '--key',
    'stranger.json',
    '--consensus',
    'scripted',
    '--data-dir',
    'stranger'
  ]
  const { exitCode, stderr } = await soma('node', ...args)
  assert.equal(exitCode, 2)
  assert.match(stderr, /is the key of validator 0: name all key files under scripted\.keys \[USAGE\]/)
})

test('every command has a help with examples', async () => {
  for (const command of ['keygen', 'genesis', 'node', 'status', 'devnet']) {
    const { exitCode, stdout } = await soma(command, '--help')
    assert.equal(exitCode, 0)
    assert.match(stdout, new RegExp(`^Usage: soma-p2p ${command} `))
    assert.match(stdout, /Examples?:\n {2}\$ soma-p2p /)
  }
})
