import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import type { Genesis } from '../../src/consensus/genesis.ts'
import type { CommitStore } from '../../src/storage/index.ts'
import { openStoreSnapshot, type StoreSnapshot } from '../../src/storage/store-snapshot.ts'
import { type BlockVerifier, createBlockVerifier } from '../../src/verify/block-verifier.ts'
import { acquireSignaturePool } from '../../src/verify/signature-pool.ts'
import { createTransactionVerifier } from '../../src/verify/transaction-verifier.ts'
import { ControlError } from './cli-error.ts'
import type { NodeFileConfig } from './config-schema.ts'
import { askNode } from './control-client.ts'
import { onInterrupt } from './interrupt.ts'
import { loadConfig } from './load-config.ts'
import { readGenesis } from './read-genesis.ts'

/** Flags of every command that works on a store without a node. */
export interface StoreFlags {
  dataDir?: string
  config?: string
  genesis?: string
}

/** Adds the flags that say which store. */
export function withStoreFlags(command: Command): Command {
  return command
    .option('--data-dir <dir>', 'data directory of the node (default: soma-data)')
    .option(
      '-c, --config <file>',
      'configuration file of the node, for data directory, genesis and the rules of its chain'
    )
    .option('--genesis <file>', 'genesis file of the chain')
}

/** What a command works on. */
export interface OfflineStore {
  readonly config: NodeFileConfig
  readonly genesis: Genesis
  /** Directory of the chain. */
  readonly path: string
}

/** Finds the store that flags mean. @throws {UsageError}, {ConsensusError} */
export async function findStore({ dataDir, config: file, genesis }: StoreFlags): Promise<OfflineStore> {
  const config = await loadConfig(file, { dataDir, genesis })
  return { config, genesis: await readGenesis(config.genesis), path: join(config.dataDir, 'chain') }
}

/**
 * Opens a store to look at it; nothing in its directory changes, and nothing is left of looking.
 *
 * @param look gets a signal that Ctrl-C and SIGTERM abort
 * @throws {ControlError} `CONTROL_NODE_RUNNING`
 * @throws {StorageError}, {Interrupted}, what `look` throws
 */
export async function withSnapshot<T>(
  { config, genesis, path }: OfflineStore,
  look: (snapshot: StoreSnapshot, signal: AbortSignal) => Promise<T>
): Promise<T> {
  await refuseRunning(config.dataDir)
  const { signal, release } = onInterrupt()
  try {
    const snapshot = await openStoreSnapshot(path, { genesis })
    try {
      signal.throwIfAborted()
      const seen = await look(snapshot, signal)
      signal.throwIfAborted()
      return seen
    } finally {
      await snapshot.close()
    }
  } finally {
    release()
  }
}

/** @throws {ControlError} `CONTROL_NODE_RUNNING` */
export async function refuseRunning(dataDir: string): Promise<void> {
  try {
    await askNode(dataDir, 'GET /status', { timeoutMs: 2_000 })
  } catch (thrown) {
    if (thrown instanceof ControlError && thrown.code === 'CONTROL_NO_NODE') return
    if (thrown instanceof ControlError && !['CONTROL_TIMEOUT', 'CONTROL_REFUSED'].includes(thrown.code)) throw thrown
  }
  throw new ControlError('CONTROL_NODE_RUNNING', `a node is running on ${dataDir}, and its store is in its hands`)
}

/** Has something verified on every core, by the rules that the configuration gives its chain. */
export async function withVerifier<T>(
  { config, genesis: { chainId } }: OfflineStore,
  store: CommitStore,
  task: (blockVerifier: BlockVerifier) => Promise<T>
): Promise<T> {
  const workers = config.sync.signatureWorkers ?? availableParallelism()
  const signatures = acquireSignaturePool({ workers: Math.min(64, workers) })
  try {
    const blockVerifier = createBlockVerifier({
      chainId,
      signatures,
      bls: signatures,
      getCommittee: (epoch) => store.getCommittee(epoch),
      ...(config.sync.verification && { mode: config.sync.verification }),
      ...(config.transactions === 'certified' && {
        transactionVerifier: createTransactionVerifier({ chainId, signatures })
      })
    })
    return await task(blockVerifier)
  } finally {
    await signatures.release()
  }
}
