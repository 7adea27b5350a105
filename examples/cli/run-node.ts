import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Genesis } from '../../src/consensus/genesis.ts'
import { createNode } from '../../src/node/create-node.ts'
import {
  generateNetworkKey,
  KeyFileError,
  type NodeKeys,
  networkPrivateKeyOf,
  readKeyFile,
  writeKeyFile
} from '../../src/node/key-file.ts'
import { pinoLogger } from '../../src/node/pino-logger.ts'
import type { SomaNode } from '../../src/node/soma-node.ts'
import { createNodeMetrics } from '../../src/operator/metrics/node-metrics.ts'
import { startStatusServer } from '../../src/operator/status-server.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { toHex } from '../../src/runtime/hex.ts'
import { errorCode, toError } from '../../src/runtime/soma-error.ts'
import { VERSION } from '../../src/runtime/version.ts'
import { type Ledger, openLedger } from '../ledger/ledger.ts'
import { scriptedChain, scriptedEpochEnds } from '../scripted/scripted-chain.ts'
import { describeCheckpoint, readCheckpointFile } from './checkpoint-file.ts'
import { ControlError, NodeEndedError, UsageError } from './cli-error.ts'
import type { NodeFileConfig } from './config-schema.ts'
import { openControlServer } from './control-server.ts'
import { countBuffersInHeap } from './count-buffers-in-heap.ts'
import { makeDataDirectory } from './make-data-directory.ts'
import type { NodeReport } from './node-report.ts'
import { peerRoutes } from './peer-routes.ts'
import { readGenesis } from './read-genesis.ts'
import { runScriptedConsensus } from './run-scripted-consensus.ts'
import { readCommitteeKeys } from './scripted-keys.ts'
import { SupervisedExecutor } from './supervised-executor.ts'

/** How a node is run. */
export interface RunNodeInit {
  readonly config: NodeFileConfig
  readonly log: Logger
  /** Stops the node. */
  readonly signal: AbortSignal
  /** Called once, when the node can be reached, with the URL of its status page where it has one. */
  readonly onStarted: (node: SomaNode, page: string | undefined) => void
}

/**
 * Runs a validator or full node until the signal aborts. Everything that it keeps lies in its data directory: `chain`, `ledger`, the
 * control socket, and `network-key.json` where no key file is configured.
 *
 * @throws the first failure that the node cannot go on after, when everything has stopped
 */
export async function runNode({ config, log, signal, onStarted }: RunNodeInit): Promise<void> {
  countBuffersInHeap()
  const genesis = await readGenesis(config.genesis)
  await makeDataDirectory(config.dataDir)
  const keys = config.key === undefined ? await ownNetworkKey(config.dataDir) : await readKeyFile(config.key)
  const { checkpoint: path } = config.sync
  const checkpoint = path === undefined ? undefined : await readCheckpointFile(path, genesis)
  const script = await scriptOf(config, genesis)

  let report = async (): Promise<NodeReport> => {
    throw new ControlError('CONTROL_REFUSED', 'the node is starting')
  }
  let node: SomaNode | undefined
  const running = (): SomaNode => {
    if (node === undefined) throw new ControlError('CONTROL_REFUSED', 'the node is starting')
    return node
  }
  // The socket comes first: it tells two nodes on one data directory apart before either touches the store.
  const routes = {
    'GET /status': () => report(),
    'GET /checkpoint': async () => describeCheckpoint(await running().checkpoint(), genesis),
    ...peerRoutes(running)
  }
  const control = await openControlServer(config.dataDir, routes, (err) =>
    log.error({ err }, 'the control socket failed')
  )
  const { allowlist, private: isPrivate, accessType, dht, ...knobs } = config.network
  const { verification, handOver, checkpoint: _, ...syncKnobs } = config.sync
  let ledger: Ledger | undefined
  const metrics = createNodeMetrics({
    directory: config.dataDir,
    version: VERSION,
    executed: () => ledger?.highestExecuted
  })
  try {
    node = await createNode({
      genesis,
      privateKey: await networkPrivateKeyOf(keys),
      store: join(config.dataDir, 'chain'),
      listen: config.listen,
      ...(config.announce !== undefined && { announce: config.announce }),
      seeds: config.seeds,
      configured: config.peers,
      ...(allowlist && { allowlist }),
      ...(isPrivate !== undefined && { private: isPrivate }),
      ...(accessType && { accessType }),
      ...(dht !== undefined && { dht }),
      ...(verification && { verification }),
      ...(handOver && { handOver }),
      ...(checkpoint && { checkpoint }),
      ...(config.transactions === 'certified' && { transactionVerifier: config.transactions }),
      localStateHash: async (lastCommit) => await ledger?.getStateDigest(lastCommit - 1),
      config: { ...knobs, ...syncKnobs },
      metrics,
      logger: pinoLogger(log, config.log.components)
    })
    if (config.executor === 'ledger') {
      const epochEnds = script && handOver === 'inserted' ? scriptedEpochEnds(script) : undefined
      ledger = await openLedger(join(config.dataDir, 'ledger'), {
        genesis,
        transactions: config.transactions,
        epochEnds
      })
    }
    await listening(node.start())
    if (!signal.aborted) await runParts(node)
  } finally {
    await node?.stop()
    await ledger?.close()
    await control.stop()
  }

  async function runParts(node: SomaNode): Promise<void> {
    const stop = new AbortController()
    const partSignal = AbortSignal.any([signal, stop.signal])
    const init = { node, clock: systemClock, signal: partSignal, log }
    const executor = ledger && new SupervisedExecutor({ ...init, ledger })
    let page: string | undefined
    report = async () => ({ ...(await reportOf(node, ledger, executor?.failure)), ...(page !== undefined && { page }) })
    await using open = new AsyncDisposableStack()
    if (config.http.listen !== 'off') {
      const { stuckMs } = config.sync
      const shown = { node, listen: config.http.listen, metrics, report, ...(stuckMs !== undefined && { stuckMs }) }
      const server = await startStatusServer(shown)
      open.defer(() => server.stop())
      page = server.url
    }
    const parts = [aborted(partSignal)]
    if (executor !== undefined) parts.push(executor.run())
    if (script !== undefined && config.consensus === 'scripted') {
      const snapshotPath = join(config.dataDir, 'scripted-consensus.snapshot')
      parts.push(runScriptedConsensus({ ...init, ledger, options: script, snapshotPath }))
    }
    onStarted(node, page)
    // Each part ends when the signal aborts. One that ends before takes the node down with it, never half alive.
    let failure: unknown
    try {
      await Promise.race([node.stopped, ...parts])
    } catch (thrown) {
      failure = thrown
    }
    stop.abort()
    await Promise.allSettled(parts)
    if (signal.aborted) return
    await node.stop()
    const cause = await node.stopped
    if (cause === undefined && failure !== undefined) throw failure
    const why = cause === undefined ? '' : `: ${cause.message} [${errorCode(cause)}]`
    throw new NodeEndedError('NODE_ENDED', `the node ended by itself${why}`, { cause })
  }
}

/** Resolves when the signal aborts. */
function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** libp2p names the addresses that it cannot listen on, with a stack trace for each. */
async function listening(starting: Promise<void>): Promise<void> {
  try {
    await starting
  } catch (cause) {
    const error = toError(cause)
    if (error.name !== 'UnsupportedListenAddressesError') throw cause
    const lines = error.message.split('\n').filter((line) => line.startsWith('  /'))
    const addresses = lines.map((line) => line.replace(': Error: ', ': '))
    throw new UsageError('LISTEN_FAILED', `cannot listen on ${addresses.join(', ').trim() || 'any address'}`, { cause })
  }
}

/** A full node's peer id outlives restarts, though nobody made it a key. */
async function ownNetworkKey(dataDir: string): Promise<NodeKeys> {
  const path = join(dataDir, 'network-key.json')
  try {
    return await readKeyFile(path)
  } catch (thrown) {
    const isMissing =
      thrown instanceof KeyFileError && thrown.code === 'KEY_FILE_UNREADABLE' && errorCode(thrown.cause) === 'ENOENT'
    if (!isMissing) throw thrown
  }
  const key = generateNetworkKey()
  await writeKeyFile(path, key)
  return key
}

/**
 * What makes a scripted chain. A node without that consensus needs it too where epochs hand over without a proof: it stands in for what the state says of who
 * comes next.
 */
async function scriptOf(
  config: NodeFileConfig,
  genesis: Genesis
): Promise<ReturnType<typeof scriptedChain> | undefined> {
  const { key, scripted, sync, transactions: kind } = config
  const { keys: files = key === undefined ? [] : [key], rotation: rotates, epochCommits, ...rest } = scripted
  const isInserted = sync.handOver === 'inserted'
  if (config.consensus === 'none' && !(isInserted && epochCommits !== undefined)) return undefined
  const keys = await readCommitteeKeys(genesis, files)
  return scriptedChain({ ...rest, genesis, keys, kind, epochCommits, rotates, proofs: !isInserted })
}

async function reportOf(node: SomaNode, ledger: Ledger | undefined, failure: string | undefined): Promise<NodeReport> {
  const status = { pid: process.pid, version: VERSION, ...(await node.status()) }
  if (ledger === undefined) return status
  const { highestExecuted, transactions, stateDigest } = ledger
  const executor = { highestExecuted, transactions, stateDigest: toHex(stateDigest) }
  return { ...status, executor: failure === undefined ? executor : { ...executor, failure } }
}
