import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { toHex } from '../../src/runtime/hex.ts'
import { type CommitStore, openLevelStore } from '../../src/storage/index.ts'
import {
  connectedTo,
  type DiscoveryNode,
  exchangesOf,
  genesis,
  idsOf,
  informedOf,
  same,
  startDiscovery,
  until
} from '../discovery/start-discovery.ts'
import { killProcess } from '../kill-process.ts'
import type { RememberingNodeOptions } from './remembering-node.ts'

const options = { timeout: 60_000 }

async function makeDirectory(context: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'soma-p2p-restart-'))
  context.after(() => rm(directory, { recursive: true, force: true }))
  return directory
}

async function openStore(context: TestContext, directory: string): Promise<CommitStore> {
  const store = await openLevelStore(join(directory, 'chain'), { genesis })
  context.after(() => store.close())
  return store
}

/** Stops the seed for good, starts a node that knows nothing but the directory, and expects it to find the others. */
async function assertReturns(context: TestContext, directory: string, seed: DiscoveryNode, others: DiscoveryNode[]) {
  await seed.node.stop()
  const node = await startDiscovery(context, { records: await openStore(context, directory) })
  await until(context, () => others.every((other) => connectedTo(node).includes(other.node.peerId.toString())))
  await until(context, () => others.every((other) => informedOf(node).includes(other.node.peerId.toString())))
  return node
}

test('a node that was stopped comes back without seeds, through its good peers', options, async (context) => {
  const directory = await makeDirectory(context)
  const store = await openStore(context, directory)
  const seed = await startDiscovery(context)
  const others = [
    await startDiscovery(context, { seeds: seed.addresses }),
    await startDiscovery(context, { seeds: seed.addresses })
  ]
  const first = await startDiscovery(context, { records: store, seeds: seed.addresses })
  await until(context, () => same(connectedTo(first), idsOf(seed, ...others)))
  await exchangesOf(context, [first], 10) // until it knows where they are
  await until(context, () => same(informedOf(first), idsOf(seed, ...others)))
  await first.node.stop()
  await store.close()

  const second = await assertReturns(context, directory, seed, others)
  assert.ok(second.peers.connected().some(({ direction }) => direction === 'outbound'))
})

test(
  'what it remembers are addresses to dial, of the source cache, when it remembers no infos',
  options,
  async (context) => {
    const directory = await makeDirectory(context)
    const store = await openStore(context, directory)
    // it seals no info, being reached nowhere on a public network: what is known of it are its addresses
    const silent = await startDiscovery(context, { config: { privateNetwork: false } })
    const first = await startDiscovery(context, { records: store, configured: silent.addresses })
    await until(context, () => same(connectedTo(first), idsOf(silent)))
    await exchangesOf(context, [first], 3)
    await first.node.stop()
    await store.close()

    const second = await startDiscovery(context, { records: await openStore(context, directory) })
    await until(context, () => same(connectedTo(second), idsOf(silent)))
    assert.deepEqual(
      second.discovery.known().map(({ source }) => source),
      ['cache']
    )
    assert.equal(second.discovery.status().bySource.cache, 1)
  }
)

test('a node without a record of good peers stays alone', options, async (context) => {
  const directory = await makeDirectory(context)
  const node = await startDiscovery(context, { records: await openStore(context, directory) })
  await until(context, () => node.discovery.ownInfo() !== undefined)
  assert.deepEqual(node.discovery.known(), [])
})

test('a node that was killed comes back without seeds, through its good peers', options, async (context) => {
  const directory = await makeDirectory(context)
  const seed = await startDiscovery(context)
  const others = [
    await startDiscovery(context, { seeds: seed.addresses }),
    await startDiscovery(context, { seeds: seed.addresses })
  ]
  const child = launch(context, {
    genesis: toHex(genesis.bytes),
    directory: join(directory, 'chain'),
    seeds: seed.addresses,
    expected: idsOf(seed, ...others)
  })
  await once(child, 'message', { signal: context.signal }) // everyone is in its record
  await killProcess(child)
  await assertReturns(context, directory, seed, others)
})

function launch(context: TestContext, init: RememberingNodeOptions): ChildProcess {
  const child = fork(new URL('./remembering-node.ts', import.meta.url), [JSON.stringify(init)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc']
  })
  context.after(() => killProcess(child))
  return child
}
