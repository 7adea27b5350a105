import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
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

/** Starts a node on a configuration, in a directory of that name. */
async function start(t: TestContext, name: string, config: object): Promise<{ process: CliProcess; address: string }> {
  await writeFile(file(`${name}.json`), JSON.stringify({ dataDir: name, ...config }))
  const process = new CliProcess(['node', '--config', `${name}.json`], directory)
  t.after(() => process.stop('SIGKILL'))
  const [, address = ''] = await process.printed(/^address {3}(\S+)$/m)
  return { process, address }
}

/** Asks a node until it has executed its way into an epoch. Each epoch that ends compares what was handed over with its own state. */
async function inEpoch(name: string, epoch: number): Promise<NodeReport> {
  while (true) {
    const report = (await askNode(file(name), 'GET /status')) as NodeReport
    assert.equal(report.executor?.failure, undefined)
    if (report.epoch >= epoch && (report.executor?.highestExecuted ?? 0) >= epoch * 5) return report
    await delay(50) // the test's own deadline ends it
  }
}

/** Makes the keys and the genesis of a chain that has gone on for a while. */
async function chainOf(t: TestContext, names: readonly string[]): Promise<{ genesis: string; keys: string[] }> {
  const keys = names.map((name) => `${name}.key.json`)
  for (const key of keys) await soma(t, 'keygen', '--out', file(key))
  const genesis = `${names.join('-')}.bin`
  const validators = keys.flatMap((key) => ['--validator', file(key)])
  const startTime = new Date(Date.now() - 10_000).toISOString()
  const made = await soma(t, 'genesis', ...validators, '--start-time', startTime, '--out', file(genesis))
  assert.equal(made.exitCode, 0, made.stderr)
  return { genesis, keys }
}

describe('epochs on the command line', () => {
  test('two validators take turns, and a full node verifies and executes their transfers', async (t) => {
    const { genesis, keys } = await chainOf(t, ['first', 'second'])
    const chain = { genesis, transactions: 'certified' }
    const scripted = { keys, epochCommits: 5, transactions: 1, roundIntervalMs: 100 }
    const first = await start(t, 'first', { ...chain, key: keys[0], consensus: 'scripted', scripted })
    const seeds = [first.address]
    await start(t, 'second', { ...chain, key: keys[1], consensus: 'scripted', scripted, seeds })
    await start(t, 'full', { ...chain, seeds })
    const [full] = await Promise.all(['full', 'first', 'second'].map((name) => inEpoch(name, 8)))
    assert.ok((full?.executor?.transactions ?? 0) > 8 * 5)
    assert.equal(full?.health.executor?.state ?? 'ok', 'ok')
  })

  test('where they prove nothing, the executors insert who comes next, after a kill again', async (t) => {
    const { genesis, keys } = await chainOf(t, ['alone'])
    const scripted = { keys, epochCommits: 5, transactions: 1, roundIntervalMs: 100 }
    const chain = { genesis, sync: { handOver: 'inserted' }, scripted }
    const validator = await start(t, 'alone', { ...chain, key: keys[0], consensus: 'scripted' })
    const full = await start(t, 'follows', { ...chain, seeds: [validator.address] })
    await inEpoch('follows', 3)
    await full.process.stop('SIGKILL')
    await start(t, 'follows', { ...chain, seeds: [validator.address] })
    const { epoch } = await inEpoch('alone', 3)
    await inEpoch('follows', epoch + 2)
  })
})
