import { z } from 'zod'
import type { Digest } from '../../src/consensus/digest.ts'
import { fromHex, toHex } from '../../src/runtime/hex.ts'
import { LedgerError } from './ledger-error.ts'

/** Where a ledger stands, kept in one write with the effects of the commits up to it. */
export interface LedgerPosition {
  /** The commit executed last; 0 before the first. */
  readonly highestExecuted: number
  /** That commit's digest: what the next commit must link to. `undefined` before the first. */
  readonly commitDigest: Digest | undefined
  readonly stateDigest: Digest
  /** Transactions executed, each once. */
  readonly transactions: number
}

const digest = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .transform(fromHex)
const stored = z.object({
  highestExecuted: z.int().positive(),
  commitDigest: digest,
  stateDigest: digest,
  transactions: z.int().nonnegative()
})

/** The stored form of a position. */
export function encodePosition(position: LedgerPosition): Uint8Array {
  const { commitDigest, stateDigest } = position
  return new TextEncoder().encode(
    JSON.stringify({
      ...position,
      commitDigest: commitDigest === undefined ? undefined : toHex(commitDigest),
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
