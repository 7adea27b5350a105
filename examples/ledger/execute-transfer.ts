import { bytesEqual } from '../../src/runtime/hex.ts'
import type { Account } from './account.ts'
import type { Transfer } from './transfer.ts'
import type { AssignedVersion, TouchedAccount, TransferEffects, TransferOutcome } from './transfer-effects.ts'

/** What a transfer reads and changes. */
export interface TransferState {
  account(key: Uint8Array): Account
  setAccount(key: Uint8Array, account: Account): void
  /** The version of a shared object; 0 before its first transaction. */
  version(object: Uint8Array): number
  setVersion(object: Uint8Array, version: number): void
}

/** A certified transaction to be executed. */
export interface SentTransfer {
  /** An Ed25519 public key. */
  readonly sender: Uint8Array
  /** `undefined` where the payload is no transfer. */
  readonly transfer: Transfer | undefined
  /** Index of the commit that it comes in. */
  readonly commit: number
}

/**
 * Executes a transfer. Its shared objects get their next versions first, whatever comes of it, as consensus assigns them before anyone executes. Then it
 * succeeds whole, or changes no account: the nonce of a failed one is free for another.
 */
export function executeTransfer({ sender, transfer, commit }: SentTransfer, state: TransferState): TransferEffects {
  if (transfer === undefined) return { commit, outcome: 'malformed', versions: [], accounts: [] }
  const versions = assignVersions(transfer.shared, state)
  const outcome = judge(sender, transfer, state)
  const accounts = outcome === 'transferred' ? move(sender, transfer, state) : []
  return { commit, outcome, versions, accounts }
}

function assignVersions(objects: readonly Uint8Array[], state: TransferState): AssignedVersion[] {
  return objects.map((object) => {
    const version = state.version(object) + 1
    state.setVersion(object, version)
    return { object, version }
  })
}

function judge(sender: Uint8Array, { to, amount, nonce }: Transfer, state: TransferState): TransferOutcome {
  const from = state.account(sender)
  if (nonce !== from.nonce) return 'wrong-nonce'
  if (amount > from.balance) return 'insufficient-balance'
  if (!bytesEqual(sender, to) && state.account(to).balance > Number.MAX_SAFE_INTEGER - amount) return 'balance-overflow'
  return 'transferred'
}

function move(sender: Uint8Array, { to, amount }: Transfer, state: TransferState): TouchedAccount[] {
  const { balance, nonce } = state.account(sender)
  state.setAccount(sender, { balance: balance - amount, nonce: nonce + 1 })
  const receiver = state.account(to) // read only now, for it may be the sender
  state.setAccount(to, { ...receiver, balance: receiver.balance + amount })
  const keys = bytesEqual(sender, to) ? [sender] : [sender, to]
  return keys.map((key) => ({ key, ...state.account(key) }))
}
