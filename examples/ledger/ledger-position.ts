import { z } from 'zod'
import type { Digest } from '../../src/consensus/digest.ts'
import { fromHex, toHex } from '../../src/runtime/hex.ts'
import { LedgerError } from './ledger-error.ts'

/** What blocks carry: bytes that nobody reads, or certified transactions whose payloads are transfers. */
export type TransactionKind = 'opaque' | 'certified'

/** Where a ledger stands, kept in one write with the effects of the commits up to it. */
export interface LedgerPosition {
  readonly chainId: Digest
  readonly kind: TransactionKind
  /** The commit executed last; 0 before the first. */
  readonly highestExecuted: number
  /** That commit's digest: what the next commit must link to. The chain id before the first. */
  readonly commitDigest: Digest
  /** The state after it; that of the genesis before the first. */
  readonly stateDigest: Digest
  /** The epoch that the next commit is of. */
  readonly epoch: number
  /** Transactions executed, each once. */
  readonly transactions: number
}

const digest = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .transform(fromHex)
const stored = z.object({
  chainId: digest,
  kind: z.enum(['opaque', 'certified']),
  highestExecuted: z.int().positive(),
  commitDigest: digest,
  stateDigest: digest,
  epoch: z.int().nonnegative(),
  transactions: z.int().nonnegative()
})

/** The stored form of a position. */
export function encodePosition(position: LedgerPosition): Uint8Array {
  const { chainId, commitDigest, stateDigest } = position
  return new TextEncoder().encode(
    JSON.stringify({
      ...position,
      chainId: toHex(chainId),
      commitDigest: toHex(commitDigest),
      stateDigest: toHex(stateDigest)
    })
  )
}

/** @throws {LedgerError} `LEDGER_CORRUPTED` */
export function decodePosition(bytes: Uint8Array): LedgerPosition {
  try {
    return stored.parse(JSON.parse(new TextDecoder().decode(bytes)))
  } catch (cause) {
    throw new LedgerError('LEDGER_CORRUPTED', 'the position of the ledger is unreadable', { cause })
  }
}
