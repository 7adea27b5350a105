import { blake2b256, type Digest } from '../../src/consensus/digest.ts'
import { LedgerError } from './ledger-error.ts'
import { readUint64, writeUint64 } from './uint64.ts'

/** What may become of a transaction; stored by position, so that new ones go to the end. */
const OUTCOMES = ['transferred', 'malformed', 'wrong-nonce', 'insufficient-balance', 'balance-overflow'] as const

/**
 * What became of a transaction: `transferred`, or why it failed. `malformed`: its payload is no transfer. `balance-overflow`: the receiver would have more
 * than 2^53 - 1.
 */
export type TransferOutcome = (typeof OUTCOMES)[number]

/** The version that a transaction gave a shared object. */
export interface AssignedVersion {
  /** 32 bytes. */
  readonly object: Uint8Array
  /** From 1: what the object's first transaction makes of it. */
  readonly version: number
}

/** An account as a transaction left it. */
export interface TouchedAccount {
  /** An Ed25519 public key. */
  readonly key: Uint8Array
  readonly balance: number
  readonly nonce: number
}

/** Everything that executing a certified transaction did. One that failed has effects too, and is not executed again. */
export interface TransferEffects {
  /** Index of the commit that it was executed in. */
  readonly commit: number
  readonly outcome: TransferOutcome
  /** In the order of the transfer; those of a failed one too, for they were assigned before it was executed. */
  readonly versions: readonly AssignedVersion[]
  /** The sender and, where it is another, the receiver. None where it failed. */
  readonly accounts: readonly TouchedAccount[]
}

const HEAD_BYTES = 10
const VERSION_BYTES = 40
const ACCOUNT_BYTES = 48

/**
 * The stored form of effects, which the state digest is taken over:
 *
 * ```
 * effects = commit (8 bytes) | outcome (1) | count of versions (1) | versions | accounts
 * version = object (32) | version (8)
 * account = key (32) | balance (8) | nonce (8)
 * ```
 *
 * Integers are big-endian. Written by hand, for it is most of what executing a transfer costs.
 */
export function encodeEffects({ commit, outcome, versions, accounts }: TransferEffects): Uint8Array {
  const bytes = new Uint8Array(HEAD_BYTES + versions.length * VERSION_BYTES + accounts.length * ACCOUNT_BYTES)
  const view = new DataView(bytes.buffer)
  writeUint64(view, 0, commit)
  bytes[8] = OUTCOMES.indexOf(outcome)
  bytes[9] = versions.length
  let at = HEAD_BYTES
  for (const { object, version } of versions) {
    bytes.set(object, at)
    writeUint64(view, at + 32, version)
    at += VERSION_BYTES
  }
  for (const { key, balance, nonce } of accounts) {
    bytes.set(key, at)
    writeUint64(view, at + 32, balance)
    writeUint64(view, at + 40, nonce)
    at += ACCOUNT_BYTES
  }
  return bytes
}

/** @throws {LedgerError} `LEDGER_CORRUPTED` */
export function decodeEffects(stored: Uint8Array): TransferEffects {
  const count = stored[9] ?? 0
  const outcome = OUTCOMES[stored[8] ?? OUTCOMES.length]
  const accountsAt = HEAD_BYTES + count * VERSION_BYTES
  const accountBytes = stored.byteLength - accountsAt
  if (outcome === undefined || accountBytes < 0 || accountBytes % ACCOUNT_BYTES !== 0) {
    throw new LedgerError('LEDGER_CORRUPTED', 'the effects of a transaction are unreadable')
  }
  const view = new DataView(stored.buffer, stored.byteOffset, stored.byteLength)
  const versions = Array.from({ length: count }, (_, index) => {
    const at = HEAD_BYTES + index * VERSION_BYTES
    return { object: stored.slice(at, at + 32), version: readUint64(view, at + 32) }
  })
  const accounts = Array.from({ length: accountBytes / ACCOUNT_BYTES }, (_, index) => {
    const at = accountsAt + index * ACCOUNT_BYTES
    return { key: stored.slice(at, at + 32), balance: readUint64(view, at + 32), nonce: readUint64(view, at + 40) }
  })
  return { commit: readUint64(view, 0), outcome, versions, accounts }
}

const domain = new TextEncoder().encode('soma-p2p-ledger/1/effects:')

/** What goes into the state digest for a transaction: BLAKE2b-256 over a domain, the transaction's digest and its encoded effects. */
export function effectsDigest(transaction: Digest, encoded: Uint8Array): Digest {
  return blake2b256(domain, transaction, encoded)
}
