import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { runScriptedConsensus } from '../../examples/cli/run-scripted-consensus.ts'
import { type Ledger, openLedger } from '../../examples/ledger/ledger.ts'
import { runExecutor } from '../../examples/ledger/run-executor.ts'
import { createNode } from '../../src/node/create-node.ts'
import type { SomaNode } from '../../src/node/soma-node.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { toHex } from '../../src/runtime/hex.ts'
import { errorCode, toError } from '../../src/runtime/soma-error.ts'
import { TaskGroup } from '../../src/runtime/task-group.ts'
import type { CommitStore } from '../../src/storage/commit-store.ts'
import { levelDirectory } from '../../src/storage/level-directory.ts'
import { openStore } from '../../src/storage/open-store.ts'
import { type DiskFault, FailingDisk, JumpingClock, networkPrivateKey } from '../../src/testing/index.ts'
import { chaosConsensus, fullNodeKeys } from './chaos-chain.ts'
import { Journal } from './journal.ts'
import type { ChaosNodeLook, ChaosNodeSettings, ChaosRecord, ChildEvent } from './protocol.ts'

/** Bytes of recent writes that each database holds in memory: few, so that this memory is soon as full as it gets, and growth is something else. */
const BUFFER_BYTES = 1024 * 1024
/** Milliseconds before what a failing disk has ended is tried again. */
const RETRY_MS = 300
/** What ends when the disk works again; anything else is a finding. */
const PASSING = new Set(['LEDGER_READ_FAILED', 'LEDGER_WRITE_FAILED', 'STORAGE_READ_FAILED', 'STORAGE_WRITE_FAILED'])

/** An honest node with its executor and, where it is a validator, its consensus; on a disk that fails and by a clock that jumps when it is told. */
export class ChaosNode {
  readonly #tasks: TaskGroup
  readonly #node: SomaNode
  readonly #store: CommitStore
  readonly #ledger: Ledger
  readonly #journal: Journal
  readonly #disk: FailingDisk
  readonly #clock: JumpingClock
  readonly #runConsensus: ((signal: AbortSignal) => Promise<void>) | undefined
  #consensus: { readonly rest: AbortController; readonly ended: Promise<void> } | undefined

  private constructor(parts: {
    readonly node: SomaNode
    readonly store: CommitStore
    readonly ledger: Ledger
    readonly journal: Journal
    readonly disk: FailingDisk
    readonly clock: JumpingClock
    readonly runConsensus: ((signal: AbortSignal) => Promise<void>) | undefined
    readonly tell: (event: ChildEvent) => void
  }) {
    this.#node = parts.node
    this.#store = parts.store
    this.#ledger = parts.ledger
    this.#journal = parts.journal
    this.#disk = parts.disk
    this.#clock = parts.clock
    this.#runConsensus = parts.runConsensus
    this.#tasks = new TaskGroup((thrown) => parts.tell({ kind: 'failed', message: describe(thrown) }))
  }

  static async start(settings: ChaosNodeSettings, tell: (event: ChildEvent) => void): Promise<ChaosNode> {
    const { chain, role, index, directory, ip, port, announce, seeds } = settings
    const options = chaosConsensus(chain)
    const keys = role === 'validator' ? options.keys[index] : fullNodeKeys(chain, index)
    if (keys === undefined) throw new RangeError(`no validator ${index}`)
    const { genesis } = options
    const disk = new FailingDisk()
    const clock = new JumpingClock()
    await mkdir(directory, { recursive: true })
    const database = (name: string) => levelDirectory(join(directory, name), { writeBufferBytes: BUFFER_BYTES })
    const store = await openStore(disk.wrap(await database('chain')), { genesis })
    const { level } = await database('ledger')
    const ledger = await openLedger(join(directory, 'ledger'), {
      genesis,
      transactions: 'certified',
      level: disk.on(level)
    })
    const node = await createNode({
      genesis,
      privateKey: await networkPrivateKey(keys),
      store,
      listen: [`/ip4/${ip}/tcp/${port}`],
      announce: [announce],
      seeds: [...seeds],
      transactionVerifier: 'certified',
      localStateHash: (lastCommit) => ledger.getStateDigest(lastCommit - 1),
      config: { discoveryIntervalMs: 1_000, heightQueryIntervalMs: 1_000, signatureWorkers: 1, privateNetwork: true },
      onPeerReport: ({ peerId, code, consequence, spared }) => {
        if (consequence === 'ban' && !spared) tell({ kind: 'ban', peerId: peerId.toString(), code })
      },
      clock
    })
    const snapshotPath = join(directory, 'consensus')
    const journal = new Journal(join(directory, 'journal'))
    const consensus = { node, options, ledger, snapshotPath, clock: systemClock }
    const runConsensus =
      role === 'validator' ? (signal: AbortSignal) => runScriptedConsensus({ ...consensus, signal }) : undefined
    const running = new ChaosNode({ node, store, ledger, journal, disk, clock, runConsensus, tell })
    await node.start()
    running.#tasks.run((signal) => running.#execute(signal))
    running.#tasks.run(async (signal) => {
      const cause = await node.stopped
      if (!signal.aborted) throw cause ?? new Error('the node stopped by itself')
    })
    return running
  }

  async look(): Promise<ChaosNodeLook> {
    const { highestSynced, epoch, peers, health } = await this.#node.status()
    return {
      highestSynced: highestSynced.index,
      highestExecuted: this.#ledger.highestExecuted,
      epoch,
      peers: Object.fromEntries(
        peers.map(({ peerId, highestCommit, lowestCommit }) => [
          peerId,
          `${lowestCommit ?? '?'}..${highestCommit ?? '?'}`
        ])
      ),
      unwell: Object.entries(health).flatMap(([part, { state, reason = '' }]) =>
        state === 'ok' ? [] : `${part} ${state}: ${reason}`
      ),
      residentBytes: process.memoryUsage.rss()
    }
  }

  /** Lets the consensus of a validator work, or rest. */
  async letConsensus(work: boolean): Promise<void> {
    const run = this.#runConsensus
    if (run === undefined || work === (this.#consensus !== undefined)) return
    if (!work) {
      const consensus = this.#consensus
      this.#consensus = undefined
      consensus?.rest.abort(new Error('it rests'))
      await consensus?.ended
      return
    }
    const rest = new AbortController()
    const { promise: ended, resolve } = Promise.withResolvers<void>()
    this.#consensus = { rest, ended }
    this.#tasks.run((signal) => this.#retrying(run, AbortSignal.any([signal, rest.signal])).finally(resolve))
  }

  failDisk(fault: DiskFault): void {
    this.#disk.fail(fault)
  }

  jumpClock(milliseconds: number): void {
    this.#clock.jump(milliseconds)
  }

  async record(from: number, to: number): Promise<ChaosRecord> {
    const commits: string[] = []
    const states: string[] = []
    for (let index = from; index <= to; index++) {
      const [subDag, state] = await Promise.all([this.#store.getSubDag(index), this.#ledger.getStateDigest(index)])
      commits.push(subDag === undefined ? '' : toHex(subDag.commit.ref.digest)) // empty where one of its blocks is missing, too
      states.push(state === undefined ? '' : toHex(state))
    }
    return { commits, states }
  }

  /** Resolves with nothing left running. */
  async stop(): Promise<void> {
    const stopping = this.#tasks.stop(new Error('the node stops'))
    await this.#node.stop()
    await stopping
    await this.#ledger.close()
    await this.#store.close()
    this.#journal.close()
  }

  #execute(signal: AbortSignal): Promise<void> {
    const journal = this.#journal
    const ledger = this.#ledger
    return this.#retrying(async () => {
      await ledger.recover()
      journal.began(ledger.highestExecuted)
      const onExecuted = (commit: { index: number; stateDigest: Uint8Array }) =>
        journal.executed(commit.index, toHex(commit.stateDigest))
      await runExecutor({ node: this.#node, ledger, signal, onExecuted })
    }, signal)
  }

  /** Runs a part again after each failure of the disk. */
  async #retrying(part: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await part(signal)
        return
      } catch (thrown) {
        if (signal.aborted) return
        if (!PASSING.has(errorCode(thrown) ?? '')) throw thrown
        await systemClock.sleep(RETRY_MS, { signal }).catch(() => undefined) // aborted: the loop ends
      }
    }
  }
}

function describe(thrown: unknown): string {
  const error = toError(thrown)
  return `[${errorCode(error)}] ${error.stack ?? error.message}`
}
