import { openLedger } from '../../examples/ledger/ledger.ts'
import type { TransactionKind } from '../../examples/ledger/ledger-position.ts'
import { runExecutor } from '../../examples/ledger/run-executor.ts'
import { createNode } from '../../src/node/create-node.ts'
import { fromHex, toHex } from '../../src/runtime/hex.ts'

/** What the parent process tells a node that it is going to kill. */
export interface KilledNodeOptions {
  readonly genesis: string
  readonly directory: string
  readonly seed: string
  /** What blocks carry: the node verifies certified transactions, and its ledger executes them. @default 'opaque' */
  readonly transactions?: TransactionKind
}

/** What the node tells its parent. */
export type KilledNodeMessage =
  | { readonly type: 'opened'; readonly highestSynced: number; readonly highestExecuted: number }
  | { readonly type: 'executed'; readonly index: number; readonly stateDigest: string }

const options = JSON.parse(process.argv[2] ?? '{}') as KilledNodeOptions
const tell = (message: KilledNodeMessage) => process.send?.(message)
process.on('disconnect', () => process.exit(1))

const node = await createNode({
  genesis: fromHex(options.genesis),
  store: `${options.directory}/chain`,
  seeds: [options.seed],
  ...(options.transactions === 'certified' && { transactionVerifier: 'certified' }),
  config: { signatureWorkers: 0, discoveryIntervalMs: 100, privateNetwork: true, commitsPerRange: 20 }
})
const ledger = await openLedger(`${options.directory}/ledger`, {
  genesis: node.genesis,
  transactions: options.transactions
})
tell({
  type: 'opened',
  highestSynced: node.store.watermarks.highestSynced.index,
  highestExecuted: ledger.highestExecuted
})
await node.start()
await runExecutor({
  node,
  ledger,
  signal: new AbortController().signal,
  onExecuted: ({ index, stateDigest }) => tell({ type: 'executed', index, stateDigest: toHex(stateDigest) })
})
