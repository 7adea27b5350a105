import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { ComponentLogger } from '@libp2p/interface'
import { createNode } from '../../src/node/create-node.ts'
import type { LevelLogger } from '../../src/node/event-log.ts'
import { quietLogger } from '../../src/node/quiet-logger.ts'
import { toHex } from '../../src/runtime/hex.ts'
import { errorCode } from '../../src/runtime/soma-error.ts'
import { buildChain, commitAt, TestNetwork } from '../../src/testing/index.ts'

const chain = buildChain({ commits: 300 })
const signal = () => AbortSignal.timeout(60_000)
const failsWith = (code: string) => (thrown: unknown) => errorCode(thrown) === code

/** Tells the first line about one kind of event. */
function eventLogger(kind: string, onLine: (text: string) => void): ComponentLogger {
  const quiet = quietLogger()
  const event: LevelLogger['event'] = (_, fields, text) => {
    if (fields.event === kind) onLine(text)
  }
  return { forComponent: (name) => Object.assign(() => {}, { ...quiet.forComponent(name), event }) }
}

describe('the life of a node', () => {
  it('leaves no timer, socket, thread or file handle behind', { timeout: 60_000 }, async () => {
    const child = fork(new URL('./stopped-node.ts', import.meta.url), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    const [code] = await once(child, 'exit') // it ends by itself only if nothing is left running
    assert.equal(code, 0)
  })

  it('goes on from its data directory, which only one node may use at a time', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'soma-p2p-node-'))
    const init = { genesis: chain.genesis, store: join(directory, 'chain') }
    const first = await createNode(init)
    await first.start()
    await first.consensus.sendCommit(commitAt(chain, 1))
    await assert.rejects(createNode(init), failsWith('STORAGE_LOCKED'))
    await first.stop()
    const second = await createNode(init)
    assert.equal(second.store.watermarks.highestSynced.index, 1)
    assert.equal(await second.consensus.sendCommit(commitAt(chain, 2)), 'stored')
    await second.stop()
    await rm(directory, { recursive: true })
  })

  it('says why it does not start: a genesis without proofs, a seed without a name, an address that is none', async () => {
    const forged = chain.genesis.bytes.slice()
    const { proofOfPossession } = chain.genesis.committee.validators[0] ?? assert.fail()
    const at = Buffer.from(forged).indexOf(proofOfPossession)
    const other = chain.genesis.committee.validators[1]?.proofOfPossession ?? assert.fail()
    forged.set(other, at)
    await assert.rejects(createNode({ genesis: forged }), failsWith('GENESIS_INVALID'))
    await assert.rejects(createNode({ genesis: new Uint8Array([1, 2, 3]) }), failsWith('GENESIS_INVALID'))
    const { genesis } = chain
    await assert.rejects(createNode({ genesis, seeds: ['/ip4/127.0.0.1/tcp/1'] }), failsWith('CONFIG_INVALID'))
    const garbled = ['/ip4/127.0.0.1/tcp/1/p2p/12D3KooW...']
    await assert.rejects(createNode({ genesis, seeds: garbled }), failsWith('CONFIG_INVALID'))
    await assert.rejects(createNode({ genesis, listen: ['localhost:9000'] }), failsWith('CONFIG_INVALID'))
  })

  it('is not started again once stopped, and stops as often as one likes', async () => {
    const node = await createNode({ genesis: chain.genesis })
    await node.start()
    await Promise.all([node.stop(), node.stop()])
    assert.equal(await node.stopped, undefined)
    await assert.rejects(node.start(), failsWith('NODE_STOPPED'))
  })

  it('goes down, and not the process, when it cannot look at itself any more', { timeout: 60_000 }, async () => {
    const node = await createNode({ genesis: chain.genesis })
    await node.start()
    const unreadable = {
      get state(): 'ok' {
        throw new TypeError('no state')
      }
    }
    node.reportHealth('part', unreadable)
    assert.equal((await node.stopped)?.message, 'no state')
  })

  it('stops whole when it is stopped while it starts, and when it cannot start', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'soma-p2p-node-'))
    const init = { genesis: chain.genesis, store: join(directory, 'chain') }
    const stopped = await createNode(init)
    const starting = stopped.start()
    await stopped.stop()
    await starting
    assert.deepEqual(stopped.addresses(), [])
    const listening = await createNode({ genesis: chain.genesis })
    await listening.start()
    const listen = listening.addresses().map((address) => address.slice(0, address.indexOf('/p2p/')))
    const failing = await createNode({ ...init, listen })
    await assert.rejects(failing.start())
    assert.ok((await failing.stopped) instanceof Error)
    await assert.rejects(failing.start(), failsWith('NODE_STOPPED'))
    const again = await createNode(init) // the lock was given back
    await Promise.all([again.stop(), listening.stop()])
    await rm(directory, { recursive: true })
  })

  it('keeps only so many commits, but none that a durable cursor has yet to read', async () => {
    await using network = new TestNetwork(chain)
    const validator = await network.start({ validator: 0, commits: 300 })
    const node = await network.start({ config: { keepCommits: 50 }, seeds: [] })
    const cursor = node.subscribe({ name: 'slow', from: 1 })[Symbol.asyncIterator]()
    const first = cursor.next()
    const dialler = await network.start({ seeds: [validator, node] })
    await network.reached(dialler, 300, { signal: signal() })
    await first
    await network.reached(node, 300, { signal: signal() })
    await node.prune(250)
    assert.equal(node.store.watermarks.lowestAvailable, 1)
    await cursor.return?.()
    await node.store.deleteCursor('slow')
    await node.prune(250)
    assert.equal(node.store.watermarks.lowestAvailable, 250)
  })

  it('syncs no further ahead of its executor than it was told', async () => {
    await using network = new TestNetwork(chain)
    const validator = await network.start({ validator: 0, commits: 300 })
    const node = await network.start({ seeds: [validator], config: { maxExecutorLead: 40, commitsPerRange: 10 } })
    const executed: number[] = []
    for await (const { commit } of node.subscribe({ name: 'executor', signal: signal() })) {
      executed.push(commit.ref.index)
      const lead = node.store.watermarks.highestSynced.index - commit.ref.index
      assert.ok(lead <= 40 + 100, `${lead} commits ahead`) // positions are stored every 100 commits at least
      if (commit.ref.index === 300) break
    }
    assert.equal(executed.length, 300)
  })

  it('parts from a peer of another chain, and says so', async () => {
    await using network = new TestNetwork(chain)
    await using other = new TestNetwork(buildChain({ commits: 5, seed: 2 }))
    const foreign = await other.start({ validator: 0, commits: 5 })
    const { promise: said, resolve } = Promise.withResolvers<string>()
    const node = await network.start({ seeds: [foreign], logger: eventLogger('health', resolve) })
    assert.match(await said, new RegExp(`${foreign.peerId} is of another chain, ${toHex(foreign.genesis.chainId)}`))
    const { health, events } = await node.status()
    assert.equal(health.chain?.state, 'degraded')
    assert.equal(events.at(-1)?.kind, 'health')
    const friend = await network.start({ validator: 1, commits: 10, seeds: [node] })
    await network.reached(node, 10, { signal: signal() })
    for (const one of [node, friend]) assert.deepEqual((await one.status()).health.chain, { state: 'ok' })
  })

  it('tells where it stands', async () => {
    await using network = new TestNetwork(chain)
    const validator = await network.start({ validator: 0, commits: 100 })
    const node = await network.start({ seeds: [validator] })
    await network.reached(node, 100, { signal: signal() })
    const status = await node.status()
    assert.equal(status.chainId, toHex(chain.genesis.chainId))
    assert.equal(status.role, 'full')
    assert.equal((await validator.status()).role, 'validator')
    assert.deepEqual(status.highestSynced, { index: 100, digest: toHex(commitAt(chain, 100).subDag.commit.ref.digest) })
    assert.equal(status.synced.commits, 100)
    assert.deepEqual(
      status.peers.map(({ peerId, direction }) => [peerId, direction]),
      [[validator.peerId.toString(), 'outbound']]
    )
  })
  it('tells how the parts of its embedder are, which do not hide its own', async () => {
    await using network = new TestNetwork(chain)
    const node = await network.start({ validator: 0, commits: 3 })
    const healthOf = async (part: string) => (await node.status()).health[part]
    node.reportHealth('executor', { state: 'degraded', reason: 'no room' })
    assert.deepEqual(await healthOf('executor'), { state: 'degraded', reason: 'no room' })
    node.reportHealth('executor', { state: 'ok' })
    assert.deepEqual(await healthOf('executor'), { state: 'ok' })

    const own = Object.keys((await node.status()).health).find((part) => part !== 'executor') ?? assert.fail()
    const before = await healthOf(own)
    node.reportHealth(own, { state: 'failed', reason: 'not ours to say' })
    assert.deepEqual(await healthOf(own), before)
  })
})
