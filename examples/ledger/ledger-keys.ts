import { writeUint64 } from './uint64.ts'

const KINDS = { position: 0, transaction: 1, state: 2, account: 3, object: 4, epoch: 5, format: 6 } as const

/** What the rows of a ledger are of. */
export type RowKind = keyof typeof KINDS

/** The key of a ledger's position: where it stands. */
export const POSITION_KEY: Uint8Array = rowKey('position', new Uint8Array(0))

/** The key of the version that the database is written in: its value begins with the version, in every version. */
export const FORMAT_KEY: Uint8Array = rowKey('format', new Uint8Array(0))

/** The version that is written here: 2 since values have checksums behind them. */
export const FORMAT_VERSION = 2

/** The key of a row, by what identifies it among those of its kind. */
export function rowKey(kind: RowKind, id: Uint8Array): Uint8Array {
  const key = new Uint8Array(1 + id.byteLength)
  key[0] = KINDS[kind]
  key.set(id, 1)
  return key
}

/** The key under which an executed transaction's effects are kept: those of an opaque one are the index of its commit. */
export function transactionKey(digest: Uint8Array): Uint8Array {
  return rowKey('transaction', digest)
}

/** The key of the state after the commit of an index. */
export function stateKey(index: number): Uint8Array {
  return rowKey('state', encodeIndex(index))
}

/** The key of an epoch's last commit, once executed. */
export function epochKey(epoch: number): Uint8Array {
  return rowKey('epoch', encodeIndex(epoch))
}

/** An index as 8 bytes, big-endian: it sorts as the number does. */
export function encodeIndex(index: number): Uint8Array {
  const bytes = new Uint8Array(8)
  writeUint64(new DataView(bytes.buffer), 0, index)
  return bytes
}
