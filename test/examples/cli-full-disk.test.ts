import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { askNode } from '../../examples/cli/control-client.ts'
import type { NodeReport } from '../../examples/cli/node-report.ts'
import { buildChain, TestNetwork } from '../../src/testing/index.ts'
import { CliProcess } from './cli-process.ts'

const COMMITS = 300
/** The chain takes about twenty. */
const SMALL_DISK = '10m'
const LARGE_DISK = '400m'

/** Whether this user may mount a disk that only its own processes see. */
const hasSmallDisks = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0

test('a node whose disk is full says so, serves what it has, and goes on when there is room', {
  skip: hasSmallDisks ? false : 'no right to mount a small disk',
  timeout: 200_000
}, async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'soma-disk-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  const disk = join(directory, 'disk')
  await mkdir(disk)
  const chain = buildChain({ commits: COMMITS, transactions: 1, transactionBytes: 16_000 })
  await using network = new TestNetwork(chain)
  const validator = await network.start({ validator: 0, commits: COMMITS })
  const config = {
    genesis: join(directory, 'genesis.bin'),
    dataDir: disk,
    seeds: validator.addresses(),
    network: { dht: false }
  }
  await writeFile(config.genesis, chain.genesis.bytes)
  await writeFile(join(directory, 'node.json'), JSON.stringify(config))
  const mount = `mount -t tmpfs -o size=${SMALL_DISK} tmpfs '${disk}' && exec "$0" "$@"`
  const wrapper = ['unshare', '-m', 'sh', '-c', mount]
  const node = new CliProcess(['node', '--config', 'node.json'], directory, undefined, wrapper)
  t.after(() => node.stop('SIGKILL'))
  const [, address = ''] = await node.printed(/^address {3}(\S+)$/m)

  /** Asks the node, whose disk is seen by way of its process only, until it is where it should be. */
  const until = async (reached: (report: NodeReport) => boolean): Promise<NodeReport> => {
    const deadline = performance.now() + 90_000
    for (;;) {
      const report = (await askNode(`/proc/${node.pid}/root${disk}`, 'GET /status')) as NodeReport
      if (reached(report)) return report
      if (performance.now() > deadline) assert.fail(`never got there: ${JSON.stringify(report, undefined, 2)}`)
      await delay(50)
    }
  }

  const full = await until(({ health }) => health.storage?.state === 'degraded')
  assert.match(JSON.stringify(full.health.storage), /STORAGE_WRITE_FAILED: .*see that the disk has room.*trying again/)
  assert.ok(full.highestSynced.index > 0 && full.highestSynced.index < COMMITS, `at ${full.highestSynced.index}`)
  assert.equal(full.highestKnown, COMMITS, 'it still hears how far the others are')

  const [listen = ''] = validator.addresses().map((each) => each.slice(0, each.indexOf('/p2p/')))
  await network.stop(validator)
  const newcomer = await network.start({ seeds: [address] })
  await network.reached(newcomer, full.highestCertifiable, { signal: AbortSignal.timeout(60_000) })
  await network.start({ validator: 0, store: validator.store, listen: [listen] })

  const remount = ['-t', String(node.pid), '-m', 'mount', '-o', `remount,size=${LARGE_DISK}`, disk]
  assert.equal(spawnSync('nsenter', remount).status, 0)
  const whole = await until(({ executor, health }) => {
    return executor?.highestExecuted === COMMITS && health.storage?.state === 'ok'
  })
  assert.ok(whole.health.executor === undefined || whole.health.executor.state === 'ok')
  assert.equal(whole.executor?.failure, undefined)
  const { exitCode, stderr } = await node.stop('SIGTERM')
  assert.equal(exitCode, 0, stderr)
})
