import { readFile } from 'node:fs/promises'
import { createNode } from '../../src/node/create-node.ts'
import { pinoLogger } from '../../src/node/pino-logger.ts'
import type { SomaNode } from '../../src/node/soma-node.ts'
import { type StatusReport, startStatusServer } from '../../src/operator/index.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { toHex } from '../../src/runtime/hex.ts'
import { TaskGroup } from '../../src/runtime/task-group.ts'
import { networkPrivateKey } from '../../src/testing/validator-keys.ts'
import { consoleLog } from '../cli/console-log.ts'
import { type Ledger, openLedger } from '../ledger/ledger.ts'
import { runExecutor } from '../ledger/run-executor.ts'
import { ExecutedConsensus } from '../scripted/executed-consensus.ts'
import { fullNodeKeys, ROUND_INTERVAL_MS, scriptedConsensusOptions, transactionKind } from './chain-settings.ts'
import { describeThrown } from './describe-thrown.ts'
import { handIn } from './hand-in.ts'
import { openNodeLink } from './node-link.ts'
import {
  type CatchUp,
  machineTime,
  type NodeDigests,
  type NodeEvent,
  type NodeReport,
  type NodeSettings,
  type NodeStarted,
  type Pace,
  type SyncProgress
} from './node-protocol.ts'
import { Pacemaker } from './pacemaker.ts'
import { nodeFiles } from './prepared-chain.ts'
import { watchHealth } from './watch-health.ts'
import { watchSync } from './watch-sync.ts'
import { writeFileWhole } from './write-file-whole.ts'

type Tell = (event: NodeEvent) => void

/** A node of the devnet, with its executor and, where it is a validator, its consensus. */
export class DevnetNode {
  readonly #node: SomaNode
  readonly #ledger: Ledger
  readonly #pacemaker: Pacemaker | undefined
  readonly #tasks: TaskGroup
  readonly #close: () => Promise<void>
  #caughtUp = false
  #page: string | undefined

  private constructor(
    node: SomaNode,
    ledger: Ledger,
    pacemaker: Pacemaker | undefined,
    tell: Tell,
    close: () => Promise<void>
  ) {
    this.#node = node
    this.#ledger = ledger
    this.#pacemaker = pacemaker
    this.#tasks = new TaskGroup((thrown) => tell({ event: 'failed', message: describeThrown(thrown) }))
    this.#close = close
  }

  /** Opens what the node's directory holds, starts the node and everything around it but the pace of its consensus. */
  static async start(settings: NodeSettings, tell: Tell): Promise<DevnetNode> {
    const { role, index, chain, seeds, target } = settings
    const files = nodeFiles(settings.directory)
    const scripted = scriptedConsensusOptions(chain)
    const keys = role === 'validator' ? scripted.keys[index] : fullNodeKeys(chain, index)
    if (keys === undefined) throw new RangeError(`no validator ${index} in a committee of ${scripted.keys.length}`)

    const closing: (() => Promise<unknown>)[] = []
    const close = () => closeAll(closing.splice(0).reverse())
    try {
      const link = await openNodeLink(settings.linkMbit)
      closing.push(() => link.close())
      const transactions = transactionKind(chain)
      const ledger = await openLedger(files.ledger, { genesis: scripted.genesis, transactions })
      closing.push(() => ledger.close())
      const node = await createNode({
        genesis: scripted.genesis,
        privateKey: await networkPrivateKey(keys),
        store: files.store,
        listen: link.listen,
        ...(link.announce.length > 0 && { announce: link.announce }),
        seeds: [...seeds],
        ...(transactions === 'certified' && { transactionVerifier: transactions }),
        localStateHash: (lastCommit) => ledger.getStateDigest(lastCommit - 1),
        config: { discoveryIntervalMs: 1_000 },
        logger: pinoLogger(consoleLog('error')) // what the parent tells when the node fails
      })
      closing.push(() => node.stop())
      let pacemaker: Pacemaker | undefined
      if (role === 'validator') {
        const consensus = new ExecutedConsensus(scripted, ledger, await readFile(files.consensus))
        closing.push(() => saveConsensus(files.consensus, consensus, node))
        pacemaker = new Pacemaker({
          consensus,
          roundIntervalMs: ROUND_INTERVAL_MS,
          handIn: (commit, signal) => handIn({ commit, keys, consensus, node, ledger, signal, tell }),
          now: machineTime,
          sleep: systemClock.sleep
        })
      }
      const startedAt = systemClock.monotonic()
      await node.start()
      const running = new DevnetNode(node, ledger, pacemaker, tell, close)
      if (settings.hasPage) {
        const server = await startStatusServer({ node, report: () => statusOf(node, ledger) })
        closing.push(() => server.stop())
        running.#page = server.url
      }
      running.#watch(tell)
      if (role === 'full') running.#watchSync({ startedAt, target }, tell)
      return running
    } catch (thrown) {
      await close()
      throw thrown
    }
  }

  get started(): NodeStarted {
    const [address] = this.#node.addresses()
    if (address === undefined) throw new RangeError('a node without an address')
    const highestSynced = this.#node.store.watermarks.highestSynced.index
    return { peerId: this.#node.peerId.toString(), address, page: this.#page, highestSynced }
  }

  /** Makes the consensus hand in commits. */
  pace(pace: Pace): void {
    const pacemaker = this.#consensus()
    this.#tasks.run((signal) => pacemaker.run(pace, signal))
  }

  /** See {@link Pacemaker.stopAt}. */
  stopAt(index: number): number {
    return this.#consensus().stopAt(index)
  }

  async report(): Promise<NodeReport> {
    const { peerId, epoch, highestSynced, lowestAvailable, peers } = await this.#node.status()
    const { highestExecuted } = this.#ledger
    const connections = peers.length
    return { peerId, epoch, highestSynced: highestSynced.index, lowestAvailable, highestExecuted, connections }
  }

  async digests(index: number): Promise<NodeDigests> {
    const [commit, state] = await Promise.all([this.#node.store.getCommit(index), this.#ledger.getStateDigest(index)])
    return { commit: commit ? toHex(commit.ref.digest) : '', state: state ? toHex(state) : '' }
  }

  /** Resolves with nothing left running. */
  async stop(): Promise<void> {
    await this.#tasks.stop(new Error('the node stops'))
    await this.#close()
  }

  /** Runs the executor, and looks after the node. */
  #watch(tell: Tell): void {
    const node = this.#node
    const ledger = this.#ledger
    const onExecuted = ({ index }: { index: number }) => {
      if (this.#caughtUp) tell({ event: 'executed', index, at: machineTime() })
    }
    this.#tasks.run((signal) => runExecutor({ node, ledger, signal, onExecuted }))
    this.#tasks.run((signal) => watchHealth(node, signal))
  }

  #watchSync(catchUp: { startedAt: number; target: number }, tell: Tell): void {
    const watcher = {
      ...catchUp,
      highestExecuted: () => this.#ledger.highestExecuted,
      onProgress: (progress: SyncProgress) => tell({ event: 'progress', progress }),
      onCaughtUp: (catchUp: CatchUp) => {
        this.#caughtUp = true
        tell({ event: 'caught-up', catchUp })
      }
    }
    this.#tasks.run((signal) => watchSync(this.#node, watcher, signal))
  }

  #consensus(): Pacemaker {
    if (this.#pacemaker === undefined) throw new RangeError('a full node has no consensus')
    return this.#pacemaker
  }
}

async function statusOf(node: SomaNode, { highestExecuted }: Ledger): Promise<StatusReport> {
  return { ...(await node.status()), executor: { highestExecuted } }
}

/** A snapshot above the store would leave a gap between them. */
async function saveConsensus(file: string, consensus: ExecutedConsensus, node: SomaNode): Promise<void> {
  if (consensus.lastCommit.index > node.store.watermarks.highestSynced.index) return
  await writeFileWhole(file, consensus.snapshot())
}

/** Takes every step, whatever becomes of those before. @throws the first failure */
async function closeAll(steps: readonly (() => Promise<unknown>)[]): Promise<void> {
  const failures: unknown[] = []
  for (const step of steps) await step().catch((thrown: unknown) => failures.push(thrown))
  if (failures.length > 0) throw failures[0]
}
