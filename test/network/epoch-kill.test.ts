import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { on } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type Ledger, openLedger } from '../../examples/ledger/ledger.ts'
import { ExecutedConsensus } from '../../examples/scripted/executed-consensus.ts'
import { scriptedChain } from '../../examples/scripted/scripted-chain.ts'
import { type Digest, digestKey } from '../../src/consensus/digest.ts'
import { toHex } from '../../src/runtime/hex.ts'
import { randomInteger, seededRandom } from '../../src/runtime/random.ts'
import { createMemoryLevel } from '../../src/storage/memory-store.ts'
import {
  buildChain,
  type Chain,
  type ScriptedCommit,
  ScriptedConsensus,
  startDelayingProxy,
  TestNetwork
} from '../../src/testing/index.ts'
import { killProcess } from '../kill-process.ts'
import type { KilledNodeMessage, KilledNodeOptions } from './killed-node.ts'

const SEED = Number(process.env.TEST_SEED ?? 21)
const KILLS = 20
const PER_EPOCH = 12
/** The chain grows by an epoch and a commit before each life, so that there is an end of an epoch ahead of every one, however slow the machine. */
const GROWTH = PER_EPOCH + 1
const COMMITS = GROWTH * (KILLS + 1)
const LINK_MEGABITS = 2
/** Longest time from when a node tells of a commit to its death. */
const MOMENT_MS = 30

interface ExecutedChain {
  readonly chain: Chain
  /** The state after each commit, as an undisturbed ledger has it, from that of the genesis on. */
  readonly states: readonly Digest[]
  /** Digests of the transactions that it executed. */
  readonly ledger: Pick<Ledger, 'transactions' | 'epoch'>
}

/** A chain of certified transfers whose committee changes with each epoch, made as validators make it: above a ledger. */
async function executedChain(): Promise<ExecutedChain> {
  const { genesis, keys } = buildChain({ commits: 0, seed: SEED })
  const content = { kind: 'certified', transactions: 1, transactionBytes: 0, roundIntervalMs: 250 } as const
  const options = scriptedChain({ genesis, keys, seed: SEED, epochCommits: PER_EPOCH, ...content })
  const ledger = await openLedger('memory', { genesis, transactions: 'certified', level: createMemoryLevel() })
  const consensus = new ExecutedConsensus(options, ledger)
  const commits: ScriptedCommit[] = []
  const states: Digest[] = [genesis.stateHash]
  while (commits.length < COMMITS) {
    const commit = await consensus.nextCommit()
    commits.push(commit)
    for (const { stateDigest } of await ledger.execute([commit.subDag])) states.push(stateDigest)
  }
  const { transactions, epoch } = ledger
  await ledger.close()
  const committees = [genesis.committee, ...commits.flatMap(({ nextCommittee }) => nextCommittee ?? [])]
  const scripted = new ScriptedConsensus(options)
  return {
    chain: { genesis, keys, commits, committees, consensus: scripted, options },
    states,
    ledger: { transactions, epoch }
  }
}

async function* messages(child: ChildProcess): AsyncGenerator<KilledNodeMessage> {
  const ended = new AbortController()
  child.once('exit', () => ended.abort(new Error(`the node exited: ${child.exitCode ?? child.signalCode}`)))
  for await (const [message] of on(child, 'message', { signal: ended.signal })) yield message as KilledNodeMessage
}

describe(`a node killed where epochs end (seed ${SEED})`, () => {
  it(`executes each commit once through ${KILLS} kills, and ends in the state of one that nobody disturbed`, {
    timeout: 300_000
  }, async () => {
    const random = seededRandom(SEED)
    const { chain, states, ledger: undisturbed } = await executedChain()
    assert.ok(new Set(chain.committees.map(({ digest }) => digestKey(digest))).size > KILLS)
    const directory = await mkdtemp(join(tmpdir(), 'soma-p2p-epoch-kill-'))
    await using network = new TestNetwork(chain)
    const server = await network.start({ validator: 0 })
    const port = Number(/tcp\/(\d+)/.exec(server.addresses()[0] ?? '')?.[1])
    const proxy = await startDelayingProxy({ target: { host: '127.0.0.1', port }, megabitsPerSecond: LINK_MEGABITS })
    const options: KilledNodeOptions = {
      genesis: toHex(chain.genesis.bytes),
      directory,
      seed: `/ip4/127.0.0.1/tcp/${proxy.address.port}/p2p/${server.peerId}`,
      transactions: 'certified'
    }
    let child: ChildProcess | undefined
    let told = 0
    let killed = 0
    try {
      for (let life = 0; life <= KILLS; life++) {
        for (let index = life * GROWTH + 1; index <= (life + 1) * GROWTH; index++) await network.commit(index, [server])
        child = fork(new URL('./killed-node.ts', import.meta.url), [JSON.stringify(options)], {
          stdio: ['ignore', 'ignore', 'inherit', 'ipc']
        })
        let fatal = Number.POSITIVE_INFINITY
        for await (const message of messages(child)) {
          if (message.type === 'opened') {
            assert.ok(
              message.highestExecuted >= told,
              `life ${life}: ${told} was executed, ${message.highestExecuted} is`
            )
            assert.ok(message.highestExecuted <= message.highestSynced, `life ${life}: executed beyond what is stored`)
            told = message.highestExecuted
            const last = (Math.floor(told / PER_EPOCH) + 1) * PER_EPOCH
            if (told === COMMITS) break
            if (life < KILLS) fatal = last - 2 + randomInteger(random, 4) // two before an epoch's last commit to one after it
            continue
          }
          assert.equal(message.index, told + 1, `life ${life}: executed commit ${message.index} after ${told}`)
          assert.equal(message.stateDigest, toHex(states[message.index] ?? new Uint8Array()), `life ${life}`)
          told = message.index
          if (told === COMMITS) break
          if (told < fatal) continue
          await delay(randomInteger(random, MOMENT_MS)) // the instant is what is random here
          killed += 1
          break
        }
        await killProcess(child)
      }
      assert.equal(killed, KILLS, 'nothing was left to interrupt')
      const ledger = await openLedger(join(directory, 'ledger'), { genesis: chain.genesis, transactions: 'certified' })
      const { highestExecuted, stateDigest, transactions, epoch } = ledger
      await ledger.close()
      assert.deepEqual(
        { highestExecuted, state: toHex(stateDigest), transactions, epoch },
        { highestExecuted: COMMITS, state: toHex(states[COMMITS] ?? new Uint8Array()), ...undisturbed }
      )
    } finally {
      if (child !== undefined) await killProcess(child)
      await proxy.stop()
      await rm(directory, { recursive: true, force: true })
    }
  })
})
