import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { on } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { openLedger } from '../../examples/ledger/ledger.ts'
import { blockRefKey } from '../../src/consensus/block-ref.ts'
import { toHex } from '../../src/runtime/hex.ts'
import { randomInteger, seededRandom } from '../../src/runtime/random.ts'
import type { CommitStore } from '../../src/storage/commit-store.ts'
import { openMemoryStore } from '../../src/storage/index.ts'
import { buildChain, commitAt, startDelayingProxy, TestNetwork } from '../../src/testing/index.ts'
import { killProcess } from '../kill-process.ts'
import type { KilledNodeMessage, KilledNodeOptions } from './killed-node.ts'

const SEED = Number(process.env.TEST_SEED ?? 20)
const KILLS = 20
/** The chain grows before each life, so that there is something to interrupt in every one, however slow the machine. */
const GROWTH = 100
const COMMITS = GROWTH * (KILLS + 1)
/** Slow enough that a death falls into a catch-up. */
const LINK_MEGABITS = 4

/** A store that says which blocks it is asked for. */
function spied(store: CommitStore, asked: (key: string) => void): CommitStore {
  return new Proxy(store, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target)
      if (typeof value !== 'function') return value
      if (key !== 'getBlocks') return value.bind(target)
      return (refs: Parameters<CommitStore['getBlocks']>[0]) => {
        for (const ref of refs) asked(blockRefKey(ref))
        return target.getBlocks(refs)
      }
    }
  })
}

async function* messages(child: ChildProcess): AsyncGenerator<KilledNodeMessage> {
  const ended = new AbortController()
  child.once('exit', () => ended.abort(new Error(`the node exited: ${child.exitCode ?? child.signalCode}`)))
  for await (const [message] of on(child, 'message', { signal: ended.signal })) yield message as KilledNodeMessage
}

describe(`a node killed in mid catch-up (seed ${SEED})`, () => {
  it(`goes on where it was after each of ${KILLS} kills, fetches nothing that it had, and ends equal`, {
    timeout: 300_000
  }, async () => {
    const random = seededRandom(SEED)
    const chain = buildChain({ commits: COMMITS, seed: SEED })
    const indexOf = new Map(
      chain.commits.flatMap(({ subDag }) => subDag.blocks.map(({ ref }) => [blockRefKey(ref), subDag.commit.ref.index]))
    )
    const directory = await mkdtemp(join(tmpdir(), 'soma-p2p-kill-'))
    let asked = new Set<string>()
    const memory = await openMemoryStore({ genesis: chain.genesis })
    await using network = new TestNetwork(chain)
    const server = await network.start({
      validator: 0,
      store: spied(memory, (key) => asked.add(key))
    })
    const [address] = server.addresses()
    const port = Number(/tcp\/(\d+)/.exec(address ?? '')?.[1])
    const proxy = await startDelayingProxy({ target: { host: '127.0.0.1', port }, megabitsPerSecond: LINK_MEGABITS })
    const options: KilledNodeOptions = {
      genesis: toHex(chain.genesis.bytes),
      directory,
      seed: `/ip4/127.0.0.1/tcp/${proxy.address.port}/p2p/${server.peerId}`
    }
    const launch = () =>
      fork(new URL('./killed-node.ts', import.meta.url), [JSON.stringify(options)], {
        stdio: ['ignore', 'ignore', 'inherit', 'ipc']
      })

    let child: ChildProcess | undefined
    let highest = 0
    try {
      for (let life = 0; life <= KILLS; life++) {
        for (let index = life * GROWTH + 1; index <= (life + 1) * GROWTH; index++) await network.commit(index, [server])
        asked = new Set()
        child = launch()
        for await (const message of messages(child)) {
          if (message.type === 'opened') {
            assert.ok(
              message.highestSynced >= highest,
              `life ${life}: the watermark went back from ${highest} to ${message.highestSynced}`
            )
            assert.ok(message.highestExecuted <= message.highestSynced, `life ${life}: executed beyond what is stored`)
            highest = message.highestSynced
            if (message.highestExecuted === COMMITS) break // the last life has nothing left to do
            continue
          }
          if (life < KILLS && message.index > highest) {
            await delay(randomInteger(random, 60)) // the instant is what is random here
            break
          }
          if (life === KILLS && message.index === COMMITS) break
        }
        await killProcess(child)
        const again = [...asked].filter((key) => (indexOf.get(key) ?? 0) <= highest)
        assert.deepEqual(again, [], `life ${life}: fetched blocks of commits up to ${highest} again`)
      }
      const ledger = await openLedger(join(directory, 'ledger'), chain)
      const undisturbed = await openLedger(join(directory, 'undisturbed'), chain)
      for (let index = 1; index <= COMMITS; index++) await undisturbed.execute([commitAt(chain, index).subDag])
      assert.deepEqual(
        { executed: ledger.highestExecuted, state: toHex(ledger.stateDigest) },
        { executed: COMMITS, state: toHex(undisturbed.stateDigest) }
      )
      await Promise.all([ledger.close(), undisturbed.close()])
    } finally {
      if (child !== undefined) await killProcess(child)
      await proxy.stop()
      await network.stop(server)
      await memory.close()
      await rm(directory, { recursive: true, force: true })
    }
  })
})
