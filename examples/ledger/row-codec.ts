import { type CommitRef, commitRefMessage } from '../../src/consensus/commit-ref.ts'
import { message, uint64, type WireMessage } from '../../src/runtime/wire-message.ts'
import type { Account } from './account.ts'
import { LedgerError } from './ledger-error.ts'

const accountMessage: WireMessage<Account> = message('Account', { balance: uint64(1), nonce: uint64(2) })
const objectMessage: WireMessage<{ readonly version: number }> = message('SharedObject', { version: uint64(1) })

export function encodeAccount(account: Account): Uint8Array {
  return accountMessage.encode(account)
}

/** @throws {LedgerError} `LEDGER_CORRUPTED` */
export function decodeAccount(stored: Uint8Array): Account {
  return read(accountMessage, stored)
}

export function encodeVersion(version: number): Uint8Array {
  return objectMessage.encode({ version })
}

/** @throws {LedgerError} `LEDGER_CORRUPTED` */
export function decodeVersion(stored: Uint8Array): number {
  return read(objectMessage, stored).version
}

export function encodeLastCommit(ref: CommitRef): Uint8Array {
  return commitRefMessage.encode(ref)
}

/** @throws {LedgerError} `LEDGER_CORRUPTED` */
export function decodeLastCommit(stored: Uint8Array): CommitRef {
  return read(commitRefMessage, new Uint8Array(stored))
}

function read<T>(message: WireMessage<T>, stored: Uint8Array): T {
  try {
    return message.decode(stored)
  } catch (cause) {
    throw new LedgerError('LEDGER_CORRUPTED', 'a row of the ledger is unreadable', { cause })
  }
}
