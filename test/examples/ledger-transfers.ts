import { encodeTransfer, type Transfer } from '../../examples/ledger/transfer.ts'
import { type Digest, digestOf } from '../../src/consensus/digest.ts'
import { transactionDigest } from '../../src/consensus/transaction.ts'
import { encodeCertified } from '../../src/testing/sign-transaction.ts'

/** The public key of somebody who may send. The ledger asks for no signatures: they are verified with the blocks. */
export function keyOf(name: string): Uint8Array {
  return digestOf('known-peers', new TextEncoder().encode(name))
}

/** A transfer by name. */
export interface NamedTransfer {
  readonly from: string
  readonly to: string
  readonly amount: number
  readonly nonce: number
  /** Names of shared objects. @default none */
  readonly shared?: readonly string[]
}

/** A payload with its sender, certified in an epoch by nobody in particular, as an entry of a block's transactions. */
export function certifiedBytes(sender: string, payload: Uint8Array, epoch = 0): Uint8Array {
  return encodeCertified({
    payload,
    sender: keyOf(sender),
    senderSignature: new Uint8Array(64),
    certificate: { epoch, aggregateSignature: new Uint8Array(96), signers: Uint8Array.of(1) }
  })
}

export function payloadOf({ to, amount, nonce, shared = [] }: NamedTransfer): Uint8Array {
  const transfer: Transfer = { to: keyOf(to), amount, nonce, shared: shared.map(keyOf) }
  return encodeTransfer(transfer)
}

/** A transfer as an entry of a block's transactions. */
export function transferBytes(transfer: NamedTransfer, epoch = 0): Uint8Array {
  return certifiedBytes(transfer.from, payloadOf(transfer), epoch)
}

/** What names a transfer, whoever certified it. */
export function digestOfTransfer(transfer: NamedTransfer): Digest {
  return transactionDigest(keyOf(transfer.from), payloadOf(transfer))
}
