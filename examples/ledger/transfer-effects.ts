import { blake2b256, type Digest } from '../../src/consensus/digest.ts'
import { DIGEST_LENGTH, ED25519_KEY_LENGTH } from '../../src/consensus/limits.ts'
import {
  bytes,
  message,
  repeated,
  submessage,
  uint32,
  uint64,
  type WireMessage
} from '../../src/runtime/wire-message.ts'
import { LedgerError } from './ledger-error.ts'
import { MAX_SHARED_OBJECTS } from './transfer.ts'

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

interface StoredEffects extends Omit<TransferEffects, 'outcome'> {
  readonly outcome: number
}

const effectsMessage: WireMessage<StoredEffects> = message('TransferEffects', {
  commit: uint64(1),
  outcome: uint32(2, OUTCOMES.length - 1),
  versions: repeated(
    submessage(3, message('AssignedVersion', { object: bytes(1, { length: DIGEST_LENGTH }), version: uint64(2) })),
    MAX_SHARED_OBJECTS
  ),
  accounts: repeated(
    submessage(
      4,
      message('TouchedAccount', { key: bytes(1, { length: ED25519_KEY_LENGTH }), balance: uint64(2), nonce: uint64(3) })
    ),
    2
  )
})

/** The stored form of effects. */
export function encodeEffects(effects: TransferEffects): Uint8Array {
  return effectsMessage.encode({ ...effects, outcome: OUTCOMES.indexOf(effects.outcome) })
}

/** @throws {LedgerError} `LEDGER_CORRUPTED` */
export function decodeEffects(stored: Uint8Array): TransferEffects {
  try {
    const effects = effectsMessage.decode(stored)
    return { ...effects, outcome: OUTCOMES[effects.outcome] as TransferOutcome }
  } catch (cause) {
    throw new LedgerError('LEDGER_CORRUPTED', 'the effects of a transaction are unreadable', { cause })
  }
}

const domain = new TextEncoder().encode('soma-p2p-ledger/1/effects:')

/** What goes into the state digest for a transaction: BLAKE2b-256 over a domain, the transaction's digest and its encoded effects. */
export function effectsDigest(transaction: Digest, encoded: Uint8Array): Digest {
  return blake2b256(domain, transaction, encoded)
}
