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
  const { to, amount, nonce } = transfer
  const from = state.account(sender)
  const receiver = bytesEqual(sender, to) ? undefined : state.account(to)
  const outcome = judge(transfer, from, receiver)
  if (outcome !== 'transferred') return { commit, outcome, versions, accounts: [] }

  const touched = (key: Uint8Array, account: Account): TouchedAccount => {
    state.setAccount(key, account)
    return { key, ...account }
  }
  const sent = touched(sender, { balance: from.balance - (receiver === undefined ? 0 : amount), nonce: nonce + 1 })
  if (receiver === undefined) return { commit, outcome, versions, accounts: [sent] }
  const received = touched(to, { ...receiver, balance: receiver.balance + amount })
  return { commit, outcome, versions, accounts: [sent, received] }
}

function assignVersions(objects: readonly Uint8Array[], state: TransferState): AssignedVersion[] {
  return objects.map((object) => {
    const version = state.version(object) + 1
    state.setVersion(object, version)
    return { object, version }
  })
}

/** @param receiver `undefined` where it is the sender */
function judge({ amount, nonce }: Transfer, from: Account, receiver: Account | undefined): TransferOutcome {
  if (nonce !== from.nonce) return 'wrong-nonce'
  if (amount > from.balance) return 'insufficient-balance'
  if (receiver !== undefined && receiver.balance > Number.MAX_SAFE_INTEGER - amount) return 'balance-overflow'
  return 'transferred'
}
