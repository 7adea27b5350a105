import { MAX_BLOCK_BYTES, MAX_BLOCK_TRANSACTIONS } from '../../src/consensus/limits.ts'
import { UsageError } from '../cli/cli-error.ts'
import type { ChainSettings } from './chain-settings.ts'

/** What a devnet is run with. */
export interface DevnetOptions {
  readonly chain: ChainSettings
  /** The settings of the chain that somebody asked for, the others being defaults. */
  readonly asked: ReadonlySet<keyof ChainSettings>
  readonly fullNodes: number
  /** Seconds to follow live. */
  readonly follow: number
  /** Milliseconds between rounds. */
  readonly roundMs: number
  /** Megabits a second of each node's link; `undefined` for none but the loopback. */
  readonly linkMbit: number | undefined
  /** `undefined` for a temporary one. */
  readonly dataDir: string | undefined
}

/** What a block needs besides its transactions: signature, header, and for each author an ancestor and a vote or two. */
const BLOCK_OVERHEAD = 1024
const ANCESTOR_BYTES = 96
/** Tag and length of a transaction within a block. */
const TRANSACTION_OVERHEAD = 6

/**
 * Checks what no single flag shows.
 *
 * @throws {UsageError} `USAGE` when blocks would be larger than the protocol allows
 */
export function checkBlockSize({ transactions, transactionBytes, validators }: ChainSettings): void {
  const bytes = BLOCK_OVERHEAD + validators * ANCESTOR_BYTES + transactions * (transactionBytes + TRANSACTION_OVERHEAD)
  if (bytes <= MAX_BLOCK_BYTES && transactions <= MAX_BLOCK_TRANSACTIONS) return
  throw new UsageError(
    'USAGE',
    `${transactions} transactions of ${transactionBytes} bytes do not fit into a block of ${MAX_BLOCK_BYTES} bytes and ${MAX_BLOCK_TRANSACTIONS} transactions`
  )
}
