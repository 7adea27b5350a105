import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { pino } from 'pino'
import { describeCheckpoint, readCheckpointFile } from '../../examples/cli/checkpoint-file.ts'
import { loadConfig } from '../../examples/cli/load-config.ts'
import { runNode } from '../../examples/cli/run-node.ts'
import type { SomaNode } from '../../src/node/soma-node.ts'
import { buildChain, changingValidators, commitAt, TestNetwork } from '../../src/testing/index.ts'
import { soma } from './in-process.ts'

const LENGTH = 40
const chain = buildChain({
  commits: LENGTH,
  epochs: { commits: 10, validators: changingValidators({ sizes: [4, 7] }) }
})
const { ref } = commitAt(chain, 25).subDag.commit
const committee = chain.committees[2] ?? assert.fail('no committee')

let directory: string
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'soma-checkpoint-'))
})
after(() => rm(directory, { recursive: true }))

test('a checkpoint goes through its file unchanged', async () => {
  const path = join(directory, 'whole.json')
  await writeFile(path, JSON.stringify(describeCheckpoint({ commit: ref, committee }, chain.genesis)))
  const read = await readCheckpointFile(path, chain.genesis)
  assert.deepEqual(read.commit, ref)
  assert.deepEqual(read.committee.digest, committee.digest)
})

test('what is no checkpoint of this chain is refused, and told why', async () => {
  const whole = describeCheckpoint({ commit: ref, committee }, chain.genesis)
  const other = buildChain({ commits: 0, seed: 9 }).genesis
  const broken: [unknown, RegExp][] = [
    [describeCheckpoint({ commit: ref, committee }, other), /another chain/],
    [{ ...whole, kind: 'soma-p2p/validator/1' }, /kind/],
    [{ ...whole, commit: { ...whole.commit, index: 0 } }, /commit.index/],
    [{ ...whole, commit: { ...whole.commit, digest: 'ff' } }, /64 hexadecimal/],
    [{ ...whole, committee: whole.committee.slice(8) }, /validator set/],
    [[], /content/]
  ]
  const path = join(directory, 'broken.json')
  for (const [content, message] of broken) {
    await writeFile(path, JSON.stringify(content))
    await assert.rejects(readCheckpointFile(path, chain.genesis), { code: 'CHECKPOINT_INVALID', message })
  }
  await writeFile(path, 'no JSON')
  await assert.rejects(readCheckpointFile(path, chain.genesis), { code: 'CHECKPOINT_INVALID' })
  await assert.rejects(readCheckpointFile(join(directory, 'none'), chain.genesis), { code: 'FILE_UNREADABLE' })
})

test('an operator takes one of a running node, and another node begins there', async (t) => {
  await using network = new TestNetwork(chain)
  const server = await network.start({ commits: LENGTH, prunedBelow: 26 })
  const file = (name: string) => join(directory, name)
  await writeFile(file('genesis.bin'), chain.genesis.bytes)
  await writeFile(file('given.json'), JSON.stringify(describeCheckpoint({ commit: ref, committee }, chain.genesis)))
  const run = async (dataDir: string, checkpoint: string, use: (node: SomaNode) => Promise<void>) => {
    const config = {
      genesis: 'genesis.bin',
      dataDir,
      seeds: server.addresses(),
      executor: 'none',
      sync: { checkpoint, signatureWorkers: 0 }
    }
    await writeFile(file(`${dataDir}.yaml`), JSON.stringify(config))
    const stop = new AbortController()
    const started = Promise.withResolvers<SomaNode>()
    const ended = runNode({
      config: await loadConfig(file(`${dataDir}.yaml`), {}),
      log: pino({ level: 'silent' }),
      signal: stop.signal,
      onStarted: started.resolve
    })
    try {
      await use(await Promise.race([started.promise, ended.then(() => assert.fail('the node has ended'))]))
    } finally {
      stop.abort()
      await ended
    }
  }
  await run('first', 'given.json', async (node) => {
    await network.reached(node, LENGTH, { signal: AbortSignal.timeout(60_000) })
    assert.equal(node.store.watermarks.lowestAvailable, 26)
    const taken = await soma(t, 'checkpoint', '--data-dir', file('first'), '--out', file('taken.json'))
    assert.equal(taken.exitCode, 0, taken.stderr)
    const printed = await soma(t, 'checkpoint', '--config', file('first.yaml'))
    assert.equal(printed.stdout, await readFile(file('taken.json'), 'utf8'))
    const again = await soma(t, 'checkpoint', '--data-dir', file('first'), '--out', file('taken.json'))
    assert.match(again.stderr, /FILE_EXISTS/)
  })
  await run('second', 'taken.json', async (node) => {
    assert.equal(node.store.watermarks.highestSynced.index, LENGTH)
    assert.equal(node.store.watermarks.lowestAvailable, LENGTH + 1)
  })
})
