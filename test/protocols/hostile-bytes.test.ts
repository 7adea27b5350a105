import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import fc from 'fast-check'
import protobuf from 'protobufjs/minimal.js'
import { WireError, type WireErrorCode } from '../../src/runtime/wire-error.ts'
import type { WireField, WireMessage } from '../../src/runtime/wire-message.ts'
import { propertyOptions } from '../runtime/property-options.ts'
import { anyValueOf, declaredMessages } from './wire-messages.ts'

const FRAME_BYTES = 4 * 1024 * 1024
/** Wire type 7 does not exist: a decoder that gets here says so. */
const TRAP = Uint8Array.of(0x07 | (1 << 3))

describe('every message, given hostile bytes', () => {
  let messages: WireMessage<unknown>[]

  before(async () => {
    messages = [...(await declaredMessages()).values()]
  })

  it('answers garbage with a WireError or a value, and nothing else', () => {
    for (const message of messages) {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), (garbage) => decodesOrRefuses(message, garbage)),
        { numRuns: 300, ...propertyOptions }
      )
    }
  })

  it('answers damaged messages with a WireError or a value, and nothing else', () => {
    for (const message of messages) {
      const damaged = fc.tuple(
        anyValueOf(message),
        fc.nat(),
        fc.nat({ max: 255 }),
        fc.constantFrom('flip', 'cut', 'insert')
      )
      fc.assert(
        fc.property(damaged, ([value, position, byte, how]) => {
          const encoded = message.encode(value)
          const at = encoded.byteLength === 0 ? 0 : position % encoded.byteLength
          decodesOrRefuses(message, damage(encoded, at, byte, how))
        }),
        { numRuns: 300, ...propertyOptions }
      )
    }
  })

  it('ignores fields that it does not know', () => {
    const writer = protobuf.Writer.create()
    writer.uint32((29 << 3) | 0).uint64(1)
    writer.uint32((536_870_911 << 3) | 2).bytes(new Uint8Array(300))
    writer.uint32((28 << 3) | 1).fixed64(1)
    writer.uint32((27 << 3) | 5).fixed32(1)
    const unknown = writer.finish()
    for (const message of messages) {
      fc.assert(
        fc.property(anyValueOf(message), (value) => {
          const encoded = message.encode(value)
          assert.deepEqual(message.decode(Buffer.concat([encoded, unknown])), value)
          assert.deepEqual(message.decode(Buffer.concat([unknown, encoded])), value)
        }),
        { numRuns: 20, ...propertyOptions }
      )
    }
  })

  it('refuses groups, whatever their depth', () => {
    const start = (15 << 3) | 3
    for (const message of messages) {
      refuses(message, 'WIRE_MALFORMED', Uint8Array.of(start, start + 1))
      refuses(message, 'WIRE_MALFORMED', new Uint8Array(100_000).fill(start))
    }
  })

  it('refuses field number 0', () => {
    for (const message of messages) {
      refuses(message, 'WIRE_MALFORMED', Uint8Array.of(0, 0))
      refuses(message, 'WIRE_MALFORMED', Uint8Array.of(2, 0))
    }
  })

  it('reads no deeper than its tables, however deep the bytes nest', () => {
    // Every level is field 28, unknown to all, with the rest of the bytes inside.
    let nested: Uint8Array = new Uint8Array(0)
    for (let depth = 0; depth < 5_000; depth++) nested = lengthDelimited(28, nested)
    for (const message of messages) {
      fc.assert(
        fc.property(anyValueOf(message), (value) => {
          assert.deepEqual(message.decode(Buffer.concat([message.encode(value), nested])), value)
        }),
        { numRuns: 3, ...propertyOptions }
      )
    }
  })

  it('stops at the limit of a list, and reads nothing after it', () => {
    for (const [message, name, field] of fieldsOf(messages, 'repeated')) {
      const item = smallest(field)
      const list = Buffer.concat(new Array<Uint8Array>(field.most).fill(item))
      refuses(message, 'WIRE_TOO_MANY', Buffer.concat([list, item, TRAP]), `${message.name}.${name}`)
      assert.throws(() => message.decode(Buffer.concat([list, TRAP])), { code: 'WIRE_MALFORMED' })
    }
  })

  it('refuses a frame full of empty submessages long before its end', () => {
    for (const [message, name, field] of fieldsOf(messages, 'repeated')) {
      const flood = Buffer.alloc(FRAME_BYTES, Uint8Array.of((field.id << 3) | field.type.wireType, 0))
      assert.throws(() => message.decode(flood), isWireError, `${message.name}.${name}`)
    }
  })

  it('refuses byte strings and texts over their length', () => {
    for (const [message, name, field] of fieldsOf(messages, 'any')) {
      const { limit } = field.type
      if (limit === undefined || field.type.wireType !== 2) continue
      const over = 'length' in limit ? [limit.length - 1, limit.length + 1] : [limit.most + 1]
      for (const length of over) {
        refuses(message, 'WIRE_TOO_LONG', lengthDelimited(field.id, new Uint8Array(length)), `${message.name}.${name}`)
      }
    }
  })

  it('refuses integers over their range', () => {
    for (const [message, name, field] of fieldsOf(messages, 'any')) {
      if (field.type.wireType !== 0) continue
      const limit = field.type.limit
      const most = limit !== undefined && 'most' in limit ? BigInt(limit.most) : BigInt(Number.MAX_SAFE_INTEGER)
      for (const value of [most + 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]) {
        refuses(message, 'WIRE_UNSAFE_INTEGER', varintField(field.id, value), `${message.name}.${name} = ${value}`)
      }
    }
  })

  it('refuses a varint of more than ten bytes, in fields that it does not know too', () => {
    const endless = [...new Uint8Array(10).fill(0x80), 0]
    for (const [message, name, field] of fieldsOf(messages, 'any')) {
      if (field.type.wireType !== 0) continue
      refuses(message, 'WIRE_MALFORMED', Uint8Array.of(field.id << 3, ...endless), `${message.name}.${name}`)
    }
    for (const message of messages) refuses(message, 'WIRE_MALFORMED', Uint8Array.of(15 << 3, ...endless))
  })

  it('refuses a field of another wire type', () => {
    for (const [message, name, field] of fieldsOf(messages, 'any')) {
      const other = field.type.wireType === 0 ? lengthDelimited(field.id, new Uint8Array(0)) : varintField(field.id, 1n)
      refuses(message, 'WIRE_MALFORMED', other, `${message.name}.${name}`)
    }
  })

  it('refuses a field of one item that is there twice', () => {
    for (const [message, name, field] of fieldsOf(messages, 'any')) {
      if (field.label === 'repeated') continue
      const item = smallest(field)
      refuses(message, 'WIRE_MALFORMED', Buffer.concat([item, item]), `${message.name}.${name}`)
    }
  })

  it('refuses a message without its required fields', () => {
    for (const [message, name, field] of fieldsOf(messages, 'single')) {
      if (field.type.absent !== undefined) continue
      refuses(message, 'WIRE_MISSING_FIELD', new Uint8Array(0), `${message.name}.${name}`)
    }
  })
})

/** The fields of all messages, with their message and name, of one label or any. */
function fieldsOf(
  messages: WireMessage<unknown>[],
  label: WireField<unknown>['label'] | 'any'
): [WireMessage<unknown>, string, WireField<unknown>][] {
  return messages.flatMap((message) =>
    Object.entries(message.fields)
      .filter(([, field]) => label === 'any' || field.label === label)
      .map(([name, field]): [WireMessage<unknown>, string, WireField<unknown>] => [message, name, field])
  )
}

function refuses(message: WireMessage<unknown>, code: WireErrorCode, bytes: Uint8Array, what?: string): void {
  assert.throws(
    () => message.decode(bytes),
    (thrown: unknown) => {
      assert.ok(thrown instanceof WireError)
      assert.equal(thrown.code, code, `${what ?? message.name}: ${thrown.message}`)
      return true
    },
    what ?? message.name
  )
}

function isWireError(thrown: unknown): boolean {
  return thrown instanceof WireError
}

function decodesOrRefuses(message: WireMessage<unknown>, bytes: Uint8Array): void {
  let value: unknown
  try {
    value = message.decode(bytes)
  } catch (thrown) {
    assert.ok(thrown instanceof WireError, `${message.name} threw ${String(thrown)}`)
    return
  }
  assert.deepEqual(message.decode(message.encode(value)), value)
}

function damage(bytes: Uint8Array, at: number, byte: number, how: 'flip' | 'cut' | 'insert'): Uint8Array {
  switch (how) {
    case 'flip':
      return bytes.map((old, index) => (index === at ? old ^ byte : old))
    case 'cut':
      return bytes.subarray(0, at)
    case 'insert':
      return Buffer.concat([bytes.subarray(0, at), Uint8Array.of(byte), bytes.subarray(at)])
  }
}

/** The shortest valid item of a field, with its tag. */
function smallest(field: WireField<unknown>): Uint8Array {
  if (field.type.wireType === 0) return varintField(field.id, 1n)
  const { limit, message } = field.type
  const content =
    message === undefined ? new Uint8Array(limit !== undefined && 'length' in limit ? limit.length : 0) : least(message)
  return lengthDelimited(field.id, content)
}

/** The shortest valid encoding of a message. */
function least(message: WireMessage<unknown>): Uint8Array {
  const fields = Object.values(message.fields)
  const required = message.exactlyOne
    ? fields.slice(0, 1)
    : fields.filter((field) => field.label === 'single' && field.type.absent === undefined)
  return Buffer.concat(required.map(smallest))
}

function lengthDelimited(id: number, content: Uint8Array): Uint8Array {
  return protobuf.Writer.create()
    .uint32((id << 3) | 2)
    .bytes(content)
    .finish()
}

function varintField(id: number, value: bigint): Uint8Array {
  const bytes = [id << 3]
  for (let rest = value; ; rest >>= 7n) {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0))
    if (rest <= 0x7fn) return Uint8Array.from(bytes)
  }
}
