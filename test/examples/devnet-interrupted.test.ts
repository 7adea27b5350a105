import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { chainSettingsSchema, scriptedConsensusOptions } from '../../examples/devnet/chain-settings.ts'
import { nodeFiles } from '../../examples/devnet/prepared-chain.ts'
import { openLevelStore } from '../../src/storage/index.ts'
import { isRunning, startDevnet } from './devnet-process.ts'

const COMMITS = 200
let dataDir: string
before(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'soma-devnet-test-'))
})
after(() => rm(dataDir, { recursive: true }))

/** The highest commit in the store of a full node that has stopped. */
async function syncedIn(directory: string): Promise<number> {
  const settings = chainSettingsSchema.parse(JSON.parse(await readFile(join(dataDir, 'devnet.json'), 'utf8')))
  const { genesis } = scriptedConsensusOptions(settings)
  const store = await openLevelStore(nodeFiles(directory).store, { genesis })
  await store.close()
  return store.watermarks.highestSynced.index
}

test('Ctrl-C in the middle of a catch-up stops every process, and the next run goes on where it was', async () => {
  const flags = ['--data-dir', dataDir, '--commits', String(COMMITS), '--follow', '0']
  const interrupted = startDevnet(...flags, '--link-mbit', '1')
  await interrupted.shown(/full-node-0 [1-9]\d*\//)
  const pids = await interrupted.nodePids()
  assert.equal(pids.length, 5)
  interrupted.kill('SIGINT')
  const { exit, lastLine, stderr } = await interrupted.end
  assert.equal(exit, 130, stderr)
  assert.equal(lastLine, '{"ok":false}')
  assert.doesNotMatch(stderr, /error/i)
  assert.deepEqual(pids.filter(isRunning), [])
  const before = await syncedIn(join(dataDir, 'full-node-0'))
  assert(before > 0 && before < COMMITS, `interrupted at ${before}`)

  const resumed = await startDevnet(...flags).end
  assert.equal(resumed.exit, 0, resumed.stderr)
  const { ok, catchUp, nodes } = JSON.parse(resumed.lastLine)
  assert.equal(ok, true)
  const fetched = Math.round(catchUp.commitsPerSecond * catchUp.seconds)
  assert(fetched > 0 && before + fetched <= nodes[4].highestSynced, `${fetched} commits fetched after ${before}`)
})

test('a node that dies is a failure that names it and stops the others', async () => {
  const devnet = startDevnet('--commits', '30', '--follow', '60')
  await devnet.shown(/Following live/)
  const pids = await devnet.nodePids()
  process.kill(pids[1] ?? 0, 'SIGKILL')
  const { exit, lastLine, stderr } = await devnet.end
  assert.equal(exit, 1, stderr)
  assert.match(stderr, /validator-\d ended with SIGKILL.*DEVNET_NODE_ENDED/)
  assert.equal(lastLine, '{"ok":false}')
  assert.deepEqual(pids.filter(isRunning), [])
})

test('nodes whose devnet is killed end by themselves', async () => {
  const devnet = startDevnet('--commits', '30', '--follow', '60', '--data-dir', join(dataDir, 'killed'))
  await devnet.shown(/Starting/)
  const pids = await devnet.nodePids()
  assert.equal(pids.length, 5)
  devnet.kill('SIGKILL')
  assert.equal((await devnet.end).exit, 'SIGKILL')
  while (pids.some(isRunning)) await delay(20) // the test's own deadline ends it when they stay
})
