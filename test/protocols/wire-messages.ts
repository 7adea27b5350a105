import { readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import protobuf from 'protobufjs'
import type { WireField, WireMessage } from '../../src/runtime/wire-message.ts'

/** Where messages are declared. */
const SOURCES = ['consensus/', 'rpc/frame-messages.ts', 'state-sync/messages.ts', 'discovery/messages.ts']

/** Every message that the source declares, by name. */
export async function declaredMessages(): Promise<Map<string, WireMessage<unknown>>> {
  const found = new Map<string, WireMessage<unknown>>()
  for (const source of SOURCES) {
    const url = new URL(`../../src/${source}`, import.meta.url)
    const files = source.endsWith('/') ? (await readdir(url)).map((name) => new URL(name, url)) : [url]
    for (const file of files) {
      for (const exported of Object.values<unknown>(await import(file.href))) {
        if (isWireMessage(exported)) found.set(exported.name, exported)
      }
    }
  }
  return found
}

function isWireMessage(value: unknown): value is WireMessage<unknown> {
  return typeof value === 'object' && value !== null && 'fields' in value && 'decode' in value && 'encode' in value
}

/** The directory of the `.proto` files. */
export const protocolsUrl: URL = new URL('../../protocols/', import.meta.url)

/** The `.proto` files, read by protobufjs' own parser. */
export async function loadProtos(): Promise<protobuf.Root> {
  const root = new protobuf.Root()
  root.resolvePath = (_origin, target) => fileURLToPath(new URL(target, protocolsUrl))
  await root.load((await readdir(protocolsUrl)).filter((name) => name.endsWith('.proto')))
  root.resolveAll()
  return root
}

/** The messages of `.proto` files, by name. */
export function protoTypes(root: protobuf.Root): Map<string, protobuf.Type> {
  const types = root.lookup('soma.p2p.v1')
  if (!(types instanceof protobuf.Namespace)) throw new Error('no package soma.p2p.v1')
  return new Map(types.nestedArray.filter((one) => one instanceof protobuf.Type).map((type) => [type.name, type]))
}

/** Any value that a message can hold, kept small: lists to 4 items, bytes and strings to 64. */
export function anyValueOf(message: WireMessage<unknown>): fc.Arbitrary<Record<string, unknown>> {
  const fields = Object.entries(message.fields)
  if (!message.exactlyOne) return anyRecord(fields.map(([name, field]) => [name, anyOf(field)]))
  return fc.oneof(
    ...fields.map(([chosen]) =>
      anyRecord(fields.map(([name, { type }]) => [name, name === chosen ? anyItemOf(type) : fc.constant(undefined)]))
    )
  )
}

function anyRecord(fields: [string, fc.Arbitrary<unknown>][]): fc.Arbitrary<Record<string, unknown>> {
  return fc.record(Object.fromEntries(fields), { noNullPrototype: true })
}

function anyOf(field: WireField<unknown>): fc.Arbitrary<unknown> {
  const one = anyItemOf(field.type)
  switch (field.label) {
    case 'single':
      return one
    case 'optional':
      return fc.option(one, { nil: undefined })
    case 'repeated':
      return fc.array(one, { maxLength: 4 })
  }
}

function anyItemOf(type: WireField<unknown>['type']): fc.Arbitrary<unknown> {
  if (type.message !== undefined) return anyValueOf(type.message)
  const most = type.limit !== undefined && 'most' in type.limit ? type.limit.most : Number.POSITIVE_INFINITY
  const exact = type.limit !== undefined && 'length' in type.limit ? type.limit.length : undefined
  switch (type.proto) {
    case 'bool':
      return fc.boolean()
    case 'uint32':
    case 'uint64':
      return fc.oneof(
        fc.integer({ min: 0, max: 300 }),
        fc.maxSafeNat().map((value) => Math.min(value, most)),
        fc.constant(most)
      )
    case 'bytes':
      return fc.uint8Array(
        exact === undefined ? { maxLength: Math.min(64, most) } : { minLength: exact, maxLength: exact }
      )
    case 'string':
      return fc.string({ unit: 'grapheme', maxLength: 20 }).filter((text) => Buffer.byteLength(text) <= most)
    default:
      return fc.integer({ min: 0, max: most }) // an enum
  }
}
