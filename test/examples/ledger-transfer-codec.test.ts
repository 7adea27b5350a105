import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeTransfer, encodeTransfer, MAX_TRANSFER_BYTES, type Transfer } from '../../examples/ledger/transfer.ts'
import { propertyOptions } from '../runtime/property-options.ts'

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 })
const transfers: fc.Arbitrary<Transfer> = fc.record(
  {
    to: bytes32,
    amount: fc.maxSafeNat(),
    nonce: fc.maxSafeNat(),
    shared: fc.uniqueArray(bytes32, { maxLength: 8, selector: (id) => Buffer.from(id).toString('hex') })
  },
  { noNullPrototype: true }
)

const largest: Transfer = {
  to: new Uint8Array(32).fill(1),
  amount: Number.MAX_SAFE_INTEGER,
  nonce: Number.MAX_SAFE_INTEGER,
  shared: Array.from({ length: 8 }, (_, at) => new Uint8Array(32).fill(at))
}

test('a transfer is read as it was written, the largest among them', () => {
  fc.assert(
    fc.property(transfers, (transfer) => assert.deepEqual(decodeTransfer(encodeTransfer(transfer)), transfer)),
    propertyOptions
  )
  const payload = encodeTransfer(largest)
  assert(payload.byteLength <= MAX_TRANSFER_BYTES)
  assert.deepEqual(decodeTransfer(payload), largest)
})

test('what is no transfer is none, and never throws', () => {
  const payload = encodeTransfer({ ...largest, shared: [] })
  const object = encodeTransfer(largest).slice(-34)
  const cases: Record<string, Uint8Array> = {
    'nothing at all': new Uint8Array(0),
    'cut short': payload.slice(0, -1),
    'a field that nobody knows': Uint8Array.of(...payload, 0x28, 1),
    'an amount above 2^53 - 1': Uint8Array.of(...payload.slice(0, 34), 0x10, ...Array(8).fill(0xff), 0x7f),
    'an amount of 0 written out': Uint8Array.of(...payload.slice(0, 34), 0x10, 0),
    'a receiver of 31 bytes': Uint8Array.of(0x0a, 31, ...new Uint8Array(31)),
    'an object twice': Uint8Array.of(...payload, ...object, ...object),
    'nine objects': Uint8Array.of(...encodeTransfer(largest), 0x22, 32, ...new Uint8Array(32).fill(99)),
    'over the limit': new Uint8Array(MAX_TRANSFER_BYTES + 1)
  }
  for (const [name, bytes] of Object.entries(cases)) assert.equal(decodeTransfer(bytes), undefined, name)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: MAX_TRANSFER_BYTES + 8 }), (bytes) => {
      const transfer = decodeTransfer(bytes)
      if (transfer !== undefined) assert.deepEqual(encodeTransfer(transfer), bytes)
    }),
    propertyOptions
  )
})

test('what no ledger would read is not written', () => {
  const id = new Uint8Array(32)
  assert.throws(() => encodeTransfer({ ...largest, shared: [id, id] }), RangeError)
  assert.throws(() => encodeTransfer({ ...largest, amount: -1 }), RangeError)
  assert.throws(() => encodeTransfer({ ...largest, to: new Uint8Array(31) }), RangeError)
  assert.throws(() => encodeTransfer({ ...largest, shared: Array(9).fill(id) }), RangeError)
})
