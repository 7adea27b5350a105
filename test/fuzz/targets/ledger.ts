import assert from 'node:assert/strict'
import { LedgerError } from '../../../examples/ledger/ledger-error.ts'
import { decodePosition, encodePosition } from '../../../examples/ledger/ledger-position.ts'
import { decodeAccount, decodeLastCommit, encodeAccount, encodeLastCommit } from '../../../examples/ledger/row-codec.ts'
import { decodeTransfer, encodeTransfer } from '../../../examples/ledger/transfer.ts'
import { bytesEqual } from '../../../src/runtime/hex.ts'
import { decoderTarget } from '../decoder-target.ts'
import type { FuzzTarget } from '../fuzz-target.ts'

const digest: Uint8Array = new Uint8Array(32).fill(7)

/** What the example's ledger reads: payloads that a quorum certified, and its own rows. */
export function ledgerTargets(): FuzzTarget[] {
  return [transfers(), positions(), rows()]
}

function transfers(): FuzzTarget {
  const transfer = { to: digest, amount: 5, nonce: 3, shared: [] }
  return decoderTarget({
    name: 'ledger/transfer',
    shape: 'protobuf',
    seeds: [transfer, { ...transfer, shared: [digest, new Uint8Array(32)] }].map(encodeTransfer),
    refusals: [],
    decode: decodeTransfer,
    check(decoded, input) {
      if (decoded !== undefined) assert.ok(bytesEqual(encodeTransfer(decoded), input), 'a payload with two encodings')
    }
  })
}

function positions(): FuzzTarget {
  const digests = { chainId: digest, commitDigest: digest, stateDigest: digest }
  return decoderTarget({
    name: 'ledger/position',
    shape: 'text',
    weight: 0.3,
    seeds: [encodePosition({ ...digests, kind: 'opaque', highestExecuted: 3, epoch: 1, transactions: 12 })],
    refusals: [LedgerError],
    decode: decodePosition,
    check: (value) => assert.deepEqual(decodePosition(encodePosition(value)), value)
  })
}

function rows(): FuzzTarget {
  return decoderTarget({
    name: 'ledger/rows',
    shape: 'protobuf',
    seeds: [encodeAccount({ balance: 1_000, nonce: 2 }), encodeLastCommit({ index: 9, digest })],
    refusals: [LedgerError],
    decode: (input) => (input.byteLength > 20 ? decodeLastCommit(input) : decodeAccount(input)),
    check(row) {
      if ('digest' in row) assert.deepEqual(decodeLastCommit(encodeLastCommit(row)), row)
      else assert.deepEqual(decodeAccount(encodeAccount(row)), row)
    }
  })
}
