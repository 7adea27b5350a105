import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { buildGenesis } from '../../src/testing/genesis-builder.ts'
import { deriveValidatorKeys } from '../../src/testing/validator-keys.ts'
import { decodeSigners, encodeSigners } from '../../src/verify/signer-bitmap.ts'

function committeeOf(count: number) {
  const validators = Array.from({ length: count }, (_, index) => ({ keys: deriveValidatorKeys(1, index) }))
  return buildGenesis({ validators, startTimeMs: 0 }).genesis.committee
}

const ten = committeeOf(10)

describe('a bitmap of signers', () => {
  test('names validators by bits, the least significant first', () => {
    assert.deepEqual(decodeSigners(Uint8Array.of(0b1000_0001, 0b10), ten), [0, 7, 9])
    assert.deepEqual(encodeSigners([9, 0, 7], ten), Uint8Array.of(0b1000_0001, 0b10))
    assert.deepEqual(decodeSigners(new Uint8Array(2), ten), [])
    assert.deepEqual(decodeSigners(Uint8Array.of(0xff), committeeOf(8)), [0, 1, 2, 3, 4, 5, 6, 7])
  })

  test('has one encoding: exactly as many bytes as the committee needs, and no bit beyond it', () => {
    for (const length of [0, 1, 3, 125]) assert.equal(decodeSigners(new Uint8Array(length), ten), undefined)
    for (let bit = 2; bit < 8; bit++) assert.equal(decodeSigners(Uint8Array.of(1, 1 << bit), ten), undefined)
  })

  test('cannot name somebody beyond the committee', () => {
    assert.throws(() => encodeSigners([10], ten), RangeError)
    assert.throws(() => encodeSigners([-1], ten), RangeError)
  })
})
