import { DIGEST_LENGTH, ED25519_KEY_LENGTH } from '../../src/consensus/limits.ts'
import { bytesEqual, toHex } from '../../src/runtime/hex.ts'
import { WireError } from '../../src/runtime/wire-error.ts'
import { bytes, message, repeated, uint64, type WireMessage } from '../../src/runtime/wire-message.ts'

/** Most shared objects of a transfer: with them a payload stays under half a kilobyte. */
export const MAX_SHARED_OBJECTS = 8
/** Most bytes of a transfer's payload: all fields at their longest. */
export const MAX_TRANSFER_BYTES = 512

/** What a certified transaction of the example chain asks for, in its payload. Who sends is who signed the transaction. */
export interface Transfer {
  /** Who receives: an Ed25519 public key, 32 bytes. */
  readonly to: Uint8Array
  /** An integer from 0. */
  readonly amount: number
  /** How many transfers of the sender have succeeded before it. */
  readonly nonce: number
  /** Ids, 32 bytes each, of the shared objects that it touches: at most 8, each once. */
  readonly shared: readonly Uint8Array[]
}

const transferMessage: WireMessage<Transfer> = message('Transfer', {
  to: bytes(1, { length: ED25519_KEY_LENGTH }),
  amount: uint64(2),
  nonce: uint64(3),
  shared: repeated(bytes(4, { length: DIGEST_LENGTH }), MAX_SHARED_OBJECTS)
})

/** The payload that asks for a transfer. @throws {RangeError} for one that no ledger would read */
export function encodeTransfer(transfer: Transfer): Uint8Array {
  if (!hasDistinctObjects(transfer)) throw new RangeError('a shared object that comes twice')
  return transferMessage.encode(transfer)
}

/** Reads a payload. `undefined` for any that `encodeTransfer` does not make, for a quorum certifies what it likes. */
export function decodeTransfer(payload: Uint8Array): Transfer | undefined {
  if (payload.byteLength > MAX_TRANSFER_BYTES) return undefined
  try {
    const transfer = transferMessage.decode(payload)
    const isCanonical = bytesEqual(transferMessage.encode(transfer), payload)
    return isCanonical && hasDistinctObjects(transfer) ? transfer : undefined
  } catch (thrown) {
    if (thrown instanceof WireError) return undefined
    throw thrown
  }
}

function hasDistinctObjects({ shared }: Transfer): boolean {
  return shared.length < 2 || new Set(shared.map(toHex)).size === shared.length
}
