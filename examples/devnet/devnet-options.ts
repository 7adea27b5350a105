import { MAX_BLOCK_BYTES, MAX_BLOCK_TRANSACTIONS } from '../../src/consensus/limits.ts'
import { UsageError } from '../cli/cli-error.ts'
import { MOST_OF_A_USER, TRANSFER_BYTES } from '../scripted/certified-transfers.ts'
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
  /** Address and port of the page of the whole network, or `off`. */
  readonly http: string
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
 * @throws {UsageError} `USAGE` when blocks would be larger than the protocol allows, or for flags that do not go together
 */
export function checkTogether({ chain, asked }: Pick<DevnetOptions, 'chain' | 'asked'>): void {
  const { validators, transactions, epochCommits } = chain
  const isCertified = epochCommits !== undefined
  if (isCertified && asked.has('transactionBytes')) {
    throw new UsageError(
      'USAGE',
      '--transaction-bytes is of opaque transactions: with --epoch-commits they are transfers'
    )
  }
  // One of whose validators sits out leaves its share to the others.
  const most = isCertified
    ? Math.ceil((transactions * validators) / Math.max(1, validators - 1)) * MOST_OF_A_USER
    : transactions
  const size = isCertified ? TRANSFER_BYTES : chain.transactionBytes
  const bytes = BLOCK_OVERHEAD + validators * ANCESTOR_BYTES + most * (size + TRANSACTION_OVERHEAD)
  if (bytes <= MAX_BLOCK_BYTES && most <= MAX_BLOCK_TRANSACTIONS) return
  throw new UsageError(
    'USAGE',
    `${transactions} transactions of ${size} bytes do not fit into a block of ${MAX_BLOCK_BYTES} bytes and ${MAX_BLOCK_TRANSACTIONS} transactions`
  )
}
