import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { bytesEqual, fromHex, toHex } from '../../src/runtime/hex.ts'
import { propertyOptions } from './property-options.ts'

describe('hex', () => {
  it('reads back what it writes, in either case', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        assert.deepEqual(fromHex(toHex(bytes)), bytes)
        assert.deepEqual(fromHex(toHex(bytes).toUpperCase()), bytes)
      }),
      propertyOptions
    )
  })

  it('writes the view and not the buffer under it', () => {
    assert.equal(toHex(Uint8Array.of(1, 2, 3, 255).subarray(2)), '03ff')
  })

  it('refuses what is not whole bytes in hexadecimal', () => {
    for (const text of ['0', '0g', '0x00', ' 00', '00\n']) assert.throws(() => fromHex(text), RangeError, text)
  })

  it('gives bytes of its own: no view into a shared pool', () => {
    assert.equal(fromHex('00ff').buffer.byteLength, 2)
  })
})

describe('bytesEqual', () => {
  it('compares content and length', () => {
    assert.ok(bytesEqual(Uint8Array.of(1, 2), Buffer.from([1, 2])))
    assert.ok(!bytesEqual(Uint8Array.of(1, 2), Uint8Array.of(1, 3)))
    assert.ok(!bytesEqual(Uint8Array.of(1, 2), Uint8Array.of(1, 2, 0)))
    assert.ok(bytesEqual(new Uint8Array(0), new Uint8Array(0)))
  })
})
