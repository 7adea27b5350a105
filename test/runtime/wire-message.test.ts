import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fromHex, toHex } from '../../src/runtime/hex.ts'
import {
  bool,
  bytes,
  enumeration,
  type Infer,
  message,
  optional,
  repeated,
  string,
  submessage,
  uint32,
  uint64
} from '../../src/runtime/wire-message.ts'

const inner = message('Inner', { number: uint64(1) })
const example = message('Example', {
  number: uint64(1),
  small: uint32(2, 100),
  flag: bool(3),
  digest: bytes(4, { length: 2 }),
  text: optional(string(5, 4)),
  inner: submessage(6, inner),
  list: repeated(submessage(7, inner), 2),
  kind: enumeration(8, 'Kind')
})
const value: Infer<typeof example> = {
  number: 300,
  small: 1,
  flag: true,
  digest: Uint8Array.of(0xaa, 0xbb),
  text: '',
  inner: { number: 0 },
  list: [{ number: 1 }, { number: 2 }],
  kind: 3
}
const encoded = '08ac02100118012202aabb2a0032003a0208013a0208024003'

describe('message', () => {
  it('writes fields in the order of their numbers, leaving out zeros and what is absent', () => {
    assert.equal(toHex(example.encode(value)), encoded)
    const zeros = { ...value, number: 0, small: 0, flag: false, text: undefined, list: [], kind: 0 }
    assert.equal(toHex(example.encode(zeros)), '2202aabb3200')
  })

  it('reads them, in any order', () => {
    assert.deepEqual(example.decode(fromHex(encoded)), value)
    assert.deepEqual(example.decode(fromHex('40033a02080132002a002202aabb18013a020802100108ac02')), value)
  })

  it('tells an absent optional field from an empty one', () => {
    assert.equal(example.decode(fromHex(encoded)).text, '')
    assert.equal(example.decode(fromHex('2202aabb3200')).text, undefined)
  })

  it('holds integers up to 2^53 - 1 exactly', () => {
    for (const number of [0, 127, 128, 2 ** 32 - 1, 2 ** 32, 2 ** 48 + 1, Number.MAX_SAFE_INTEGER]) {
      assert.deepEqual(inner.decode(inner.encode({ number })), { number })
    }
    assert.throws(() => inner.decode(fromHex('0880808080808080' + '10')), { code: 'WIRE_UNSAFE_INTEGER' })
  })

  it('takes a number below 2^53 in more bytes than it needs', () => {
    assert.deepEqual(inner.decode(fromHex('08818000')), { number: 1 })
    assert.deepEqual(inner.decode(fromHex('0881808080808080808000')), { number: 1 })
  })

  it('gives plain views into the input, even into a Buffer', () => {
    const input = Buffer.from(encoded, 'hex')
    const { digest } = example.decode(input)
    assert.equal(Object.getPrototypeOf(digest), Uint8Array.prototype)
    const copy = digest.slice()
    input.fill(0)
    assert.deepEqual([toHex(digest), toHex(copy)], ['0000', 'aabb'])
  })

  it('names the field at fault', () => {
    assert.throws(() => example.decode(fromHex('1065')), { code: 'WIRE_UNSAFE_INTEGER', field: 'Example.small' })
    assert.throws(() => example.decode(fromHex('3a020a00')), { code: 'WIRE_MALFORMED', field: 'Inner.number' })
    assert.throws(() => example.decode(fromHex('3a05')), { code: 'WIRE_MALFORMED', field: 'Example.list' })
  })

  it('refuses text that is not UTF-8', () => {
    assert.throws(() => example.decode(fromHex('2a02c328')), { code: 'WIRE_MALFORMED', field: 'Example.text' })
    assert.equal(example.decode(fromHex('2202aabb3200' + '2a03efbbbf')).text, '\ufeff')
  })

  it('bounds a submessage by its own length', () => {
    // The inner length ends within the number's varint, of which the last byte lies outside.
    assert.throws(() => example.decode(fromHex('2202aabb3202088001')), { code: 'WIRE_MALFORMED' })
  })

  it('throws a RangeError for a value of ours that does not fit', () => {
    const wrong: Partial<Infer<typeof example>>[] = [
      { number: -1 },
      { number: 1.5 },
      { number: 2 ** 53 },
      { small: 101 },
      { kind: 2 ** 31 },
      { digest: new Uint8Array(3) },
      { text: 'länger' },
      { text: '\ud800' },
      { list: [{ number: 1 }, { number: 2 }, { number: 3 }] }
    ]
    for (const change of wrong) assert.throws(() => example.encode({ ...value, ...change }), RangeError)
  })

  it('cannot be declared with a field number out of range or used twice', () => {
    assert.throws(() => message('Bad', { zero: uint64(0) }), RangeError)
    assert.throws(() => message('Bad', { high: uint64(31) }), RangeError)
    assert.throws(() => message('Bad', { one: uint64(1), same: bool(1) }), RangeError)
  })
})

describe('a message of exactly one field', () => {
  const choice = message('Choice', { left: optional(uint64(1)), right: optional(uint64(2)) }, { exactlyOne: true })

  it('holds one', () => {
    assert.deepEqual(choice.decode(choice.encode({ left: undefined, right: 0 })), { left: undefined, right: 0 })
  })

  it('is neither read nor written with none or two', () => {
    assert.throws(() => choice.decode(new Uint8Array(0)), { code: 'WIRE_MISSING_FIELD' })
    assert.throws(() => choice.decode(fromHex('08001000')), { code: 'WIRE_MALFORMED' })
    assert.throws(() => choice.encode({ left: undefined, right: undefined }), RangeError)
    assert.throws(() => choice.encode({ left: 1, right: 2 }), RangeError)
  })
})
