/** The key of the ledger's position: where it stands. */
export const POSITION_KEY: Uint8Array = tagged('position', new Uint8Array(0))

/** The key under which an executed transaction's commit index is kept. */
export function transactionKey(digest: Uint8Array): Uint8Array {
  return tagged('transaction', digest)
}

/** The key of the state after the commit of an index. */
export function stateKey(index: number): Uint8Array {
  return tagged('state', encodeIndex(index))
}

/** An index as 8 bytes, big-endian: it sorts as the number does. */
export function encodeIndex(index: number): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(index))
  return bytes
}

function tagged(kind: 'position' | 'transaction' | 'state', rest: Uint8Array): Uint8Array {
  const key = new Uint8Array(1 + rest.byteLength)
  key[0] = { position: 0, transaction: 1, state: 2 }[kind]
  key.set(rest, 1)
  return key
}
