import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import fc from 'fast-check'
import protobuf from 'protobufjs'
import { ACCESS_TYPE } from '../../src/discovery/messages.ts'
import { STATUS } from '../../src/rpc/rpc-error.ts'
import type { WireField, WireMessage } from '../../src/runtime/wire-message.ts'
import { propertyOptions } from '../runtime/property-options.ts'
import { anyValueOf, declaredMessages, loadProtos, protoTypes } from './wire-messages.ts'

describe('the .proto files and the tables', () => {
  let root: protobuf.Root
  let types: Map<string, protobuf.Type>
  let messages: Map<string, WireMessage<unknown>>

  before(async () => {
    root = await loadProtos()
    types = protoTypes(root)
    messages = await declaredMessages()
  })

  it('declare the same messages', () => {
    assert.deepEqual([...messages.keys()].sort(), [...types.keys()].sort())
  })

  it('declare the same fields', () => {
    for (const [name, message] of messages) {
      const fromTable = Object.entries(message.fields).map(([key, field]) => rowOfTable(key, field))
      const fromProto = typeNamed(types, name).fieldsArray.map(rowOfProto)
      assert.deepEqual(fromTable, fromProto, name)
    }
  })

  it('agree on which messages are a choice of exactly one field', () => {
    for (const [name, message] of messages) {
      const choice = typeNamed(types, name).oneofsArray.find((one) => one.fieldsArray.length > 1)
      const fields = choice?.fieldsArray.map((field) => field.name) ?? []
      assert.deepEqual(message.exactlyOne ? Object.keys(message.fields) : [], fields, name)
    }
  })

  it('give statuses and access types the same numbers', () => {
    assert.deepEqual(valuesOf(root.lookupEnum('StatusCode'), 'STATUS_CODE_'), STATUS)
    assert.deepEqual(valuesOf(root.lookupEnum('AccessType'), 'ACCESS_TYPE_'), { unspecified: 0, ...ACCESS_TYPE })
  })

  it('mean the same values: what one encodes, the other decodes', () => {
    for (const [name, message] of messages) {
      const type = typeNamed(types, name)
      fc.assert(
        fc.property(anyValueOf(message), (value) => {
          const encoded = message.encode(value)
          assert.deepEqual(message.decode(encoded), value)
          assert.deepEqual(reflected(type, message, encoded), plain(value), `${name}: protobufjs reads ours`)
          const theirs = type.encode(type.fromObject(withoutUndefined(value) as Record<string, unknown>)).finish()
          assert.deepEqual(
            plain(message.decode(theirs)),
            reflected(type, message, theirs),
            `${name}: we read protobufjs'`
          )
        }),
        { numRuns: 100, ...propertyOptions }
      )
    }
  })
})

function typeNamed(types: Map<string, protobuf.Type>, name: string): protobuf.Type {
  const type = types.get(name)
  assert.ok(type, name)
  return type
}

function rowOfTable(name: string, field: WireField<unknown>): unknown {
  return {
    name,
    id: field.id,
    type: field.type.proto,
    repeated: field.label === 'repeated',
    presence: hasPresence(field)
  }
}

/** A required submessage has presence too: protobuf knows no other. */
function hasPresence(field: WireField<unknown>): boolean {
  return field.label === 'optional' || (field.label === 'single' && field.type.message !== undefined)
}

function rowOfProto(field: protobuf.Field): unknown {
  const isMessage = field.resolvedType instanceof protobuf.Type
  return {
    name: field.name,
    id: field.id,
    type: field.type,
    repeated: field.repeated,
    presence: field.partOf !== null || (isMessage && !field.repeated)
  }
}

function valuesOf(type: protobuf.Enum, prefix: string): Record<string, number> {
  return Object.fromEntries(
    Object.entries(type.values).map(([name, number]) => [
      name
        .replace(prefix, '')
        .toLowerCase()
        .replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
      number
    ])
  )
}

/** What protobufjs decodes, in the shape of the tables. */
function reflected(type: protobuf.Type, message: WireMessage<unknown>, encoded: Uint8Array): unknown {
  const decoded = type.toObject(type.decode(encoded), { longs: Number, enums: Number, defaults: true })
  return plain(inShape(message, decoded))
}

function inShape(message: WireMessage<unknown>, value: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(message.fields).map(([name, field]) => {
    const found = value[name]
    const inner = field.type.message
    const shaped = (item: unknown): unknown =>
      inner === undefined ? item : inShape(inner, item as Record<string, unknown>)
    if (field.label === 'repeated') return [name, ((found ?? []) as unknown[]).map(shaped)]
    return [name, found === undefined || found === null ? undefined : shaped(found)]
  })
  return Object.fromEntries(entries)
}

/** Byte strings as hexadecimal, so that views, copies and buffers compare by content. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]))
}

function withoutUndefined(value: unknown): unknown {
  if (value instanceof Uint8Array || typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(withoutUndefined)
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .map(([key, item]) => [key, withoutUndefined(item)])
  )
}
