import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { askNode } from '../../examples/cli/control-client.ts'
import type { NodeReport } from '../../examples/cli/node-report.ts'
import { CliProcess } from './cli-process.ts'
import { soma } from './in-process.ts'

let directory: string
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'soma-cli-'))
})
after(() => rm(directory, { recursive: true }))

const file = (name: string): string => join(directory, name)

/** Asks a node until it is where it should be. */
async function until(dataDir: string, reached: (report: NodeReport) => boolean): Promise<NodeReport> {
  const deadline = performance.now() + 60_000
  for (;;) {
    const report = (await askNode(file(dataDir), 'GET /status')) as NodeReport
    if (reached(report)) return report
    if (performance.now() > deadline) assert.fail(`never got there: ${JSON.stringify(report, undefined, 2)}`)
    await delay(20)
  }
}

test('a validator and full nodes started by hand, as the README walks through it', async (t) => {
  const start = (args: string[], script?: string): CliProcess => {
    const process = new CliProcess(args, directory, script)
    t.after(() => process.stop('SIGKILL'))
    return process
  }
  const keygen = await soma(t, 'keygen', '--out', file('validator.json'))
  assert.equal(keygen.exitCode, 0, keygen.stderr)
  // A minute of rounds lies behind this chain when its validator starts.
  const startTime = new Date(Date.now() - 60_000).toISOString()
  const genesisArgs = [
    '--validator',
    file('validator.pub.json'),
    '--start-time',
    startTime,
    '--out',
    file('genesis.bin')
  ]
  const genesis = await soma(t, 'genesis', ...genesisArgs)
  assert.equal(genesis.exitCode, 0, genesis.stderr)

  const validatorArgs = ['node', '--genesis', 'genesis.bin', '--key', 'validator.json', '--consensus', 'scripted']
  const validator = start([...validatorArgs, '--data-dir', 'validator'])
  const [, seed = ''] = await validator.printed(/^address {3}(\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/\w+)$/m)
  await writeFile(file('full-node.yaml'), `genesis: genesis.bin\ndataDir: full-node\nseeds:\n  - ${seed}\n`)

  await t.test('Prometheus finds its metrics beside its page', async () => {
    const [, page] = await validator.printed(/^page {6}(http:\/\/127\.0\.0\.1:\d+\/)$/m)
    const answer = await fetch(`${page}metrics`)
    assert.match(answer.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
    const text = await answer.text()
    for (const name of ['highest_synced_commit', 'executed_commit', 'store_size_bytes', 'highest_known_commit']) {
      assert.match(text, new RegExp(`^soma_p2p_${name} \\d+$`, 'm'))
    }
    assert.match(text, /^soma_p2p_info\{role="validator",chain_id="[0-9a-f]{64}",version="\d/m)
  })

  await t.test('a full node finds it and syncs', async () => {
    const fullNode = start(['node', '--config', 'full-node.yaml'])
    const [, peerId] = await fullNode.printed(/^peer id {3}(\w+)$/m)
    const report = await until('full-node', ({ executor }) => (executor?.highestExecuted ?? 0) >= 200)
    assert.equal(report.role, 'full')
    assert.equal(report.peerId, peerId)
    assert.equal(report.peers.length, 1)

    const status = await soma(t, 'status', '--data-dir', file('full-node'))
    assert.match(status.stdout, /^synced +to commit \d+ of \d+, epoch 0$/m)
    assert.match(status.stdout, /^executed +to commit \d+, \d+ transactions$/m)

    const second = await start(['node', '--config', 'full-node.yaml']).ended()
    assert.equal(second.exitCode, 2)
    assert.match(second.stderr, /^error: [^\n]* \[CONTROL_NODE_RUNNING\]\. [^\n]*\n$/)

    const { exitCode, stderr } = await fullNode.stop('SIGTERM')
    assert.equal(exitCode, 0, stderr)
  })

  await t.test('the full node goes on after a restart, with the same name, and fetches nothing again', async () => {
    const fullNode = start(['node', '--config', 'full-node.yaml'])
    const before = await readFile(file('full-node/network-key.json'), 'utf8')
    await fullNode.printed(new RegExp(`^peer id {3}${JSON.parse(before).peerId}$`, 'm'))
    const report = await until('full-node', ({ synced, executor }) => synced.commits > 0 && executor !== undefined)
    assert.ok(report.highestSynced.index > 200)
    assert.ok(report.synced.commits <= report.highestSynced.index - 200, `fetched ${report.synced.commits}`)
    assert.equal((await fullNode.stop('SIGINT')).exitCode, 130)
  })

  await t.test('the smallest embedding, of fewer than 30 lines, syncs as well', async () => {
    const text = await readFile(new URL('../../examples/smallest-node.ts', import.meta.url), 'utf8')
    assert.ok(text.trimEnd().split('\n').length < 30)
    const embedding = start(['genesis.bin', seed], 'examples/smallest-node.ts')
    await embedding.printed(/^commit 1: 1 blocks\n(?:.*\n)*commit 150: 1 blocks$/m)
    const { exitCode, stderr } = await embedding.stop('SIGINT')
    assert.equal(exitCode, 0, stderr)
    assert.equal(stderr, '')
  })

  await t.test('the validator, killed and started again, goes on making the chain', async () => {
    const before = await until('validator', () => true)
    await validator.stop('SIGKILL')
    const again = start([...validatorArgs, '--data-dir', 'validator'])
    await again.printed(/^address/m)
    await until('validator', ({ highestSynced }) => highestSynced.index > before.highestSynced.index)
    assert.equal((await again.stop('SIGINT')).exitCode, 130)
  })
})
