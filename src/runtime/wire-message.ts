import protobuf from 'protobufjs/minimal.js'
import { WireError } from './wire-error.ts'
import { readVarint, single, type WireField, type WireMessage } from './wire-field.ts'

export {
  bool,
  bytes,
  enumeration,
  type Infer,
  optional,
  repeated,
  string,
  uint32,
  uint64,
  type WireField,
  type WireMessage
} from './wire-field.ts'

type Reader = protobuf.Reader
type Writer = protobuf.Writer
/** The fields of a message, by name. */
export type Fields = Readonly<Record<string, WireField<unknown>>>
/** What a message of these fields decodes to. */
export type Decoded<F extends Fields> = { readonly [K in keyof F]: F[K] extends WireField<infer T> ? T : never }

/**
 * Declares a message.
 *
 * @param options.exactlyOne exactly one of the fields, all of them optional, is there @default false
 * @throws {RangeError} when a field number is out of 1..30 or used twice
 */
export function message<F extends Fields>(
  name: string,
  fields: F,
  options: { exactlyOne?: boolean } = {}
): WireMessage<Decoded<F>> {
  const exactlyOne = options.exactlyOne ?? false
  const table = tableOf({ name, fields, exactlyOne })
  return {
    name,
    fields,
    exactlyOne,
    encode(value) {
      if (exactlyOne && countPresent(table, value) !== 1)
        throw new RangeError(`cannot encode ${name}: not exactly one field`)
      const writer = protobuf.Writer.create()
      const place = largePlace(table, value)
      if (place !== undefined) writer.buf = place
      for (const { key, path, field } of table.rows) writeField(writer, path, field, value[key as keyof F])
      const encoded: Uint8Array = protobuf.Writer.prototype.finish.call(writer, writer.buf === place)
      return new Uint8Array(encoded.buffer, encoded.byteOffset, encoded.byteLength)
    },
    decode(input) {
      // Never a Buffer: its slice() is a view, and who copies what they keep would not.
      const reader = protobuf.Reader.create(new Uint8Array(input.buffer, input.byteOffset, input.byteLength))
      try {
        return readTable(reader, table) as Decoded<F>
      } catch (cause) {
        if (cause instanceof WireError) throw cause
        throw new WireError('WIRE_MALFORMED', name, cause instanceof Error ? cause.message : 'unreadable', { cause })
      }
    }
  }
}

/** A submessage, required. */
export function submessage<T>(id: number, message: WireMessage<T>): WireField<T> {
  const { name } = message
  const table = tableOf(message)
  return single<T>(id, {
    proto: name,
    wireType: 2,
    message: message as WireMessage<unknown>,
    absent: undefined,
    read(reader, field) {
      const length = reader.size()
      const end = reader.len
      if (length > end - reader.pos) throw new WireError('WIRE_MALFORMED', field, 'cut short')
      reader.len = reader.pos + length
      const value = readTable(reader, table) as T
      reader.len = end
      return value
    },
    write: (writer, value) => writer.bytes(message.encode(value)),
    isAbsent: () => false
  })
}

interface Row {
  readonly key: string
  readonly path: string
  readonly field: WireField<unknown>
}

interface Table {
  readonly name: string
  readonly exactlyOne: boolean
  readonly rows: readonly Row[]
  readonly byId: readonly (Row | undefined)[]
}

/** Highest field number that a table may use, so that the fields already read fit into the bits of one integer. */
const MAX_FIELD_ID = 30

function tableOf({ name, fields, exactlyOne }: Pick<WireMessage<unknown>, 'name' | 'fields' | 'exactlyOne'>): Table {
  const rows: Row[] = Object.entries(fields).map(([key, field]) => ({ key, path: `${name}.${key}`, field }))
  const byId = new Array<Row | undefined>(MAX_FIELD_ID + 1).fill(undefined)
  for (const row of rows) {
    const { id } = row.field
    if (!Number.isInteger(id) || id < 1 || id > MAX_FIELD_ID || byId[id] !== undefined) {
      throw new RangeError(`${row.path}: field number ${id}`)
    }
    byId[id] = row
  }
  return { name, exactlyOne, rows, byId }
}

/** Bytes of byte strings from which on a message is written to a place of its size: the writer's own is doubled, and copied, until it is large enough. */
const LARGE_BYTES = 4 * 1024
/** Most bytes of a field's tag and length. */
const HEAD_BYTES = 6

/** Where a message of large byte strings is written, with room for all of them; `undefined` where they are small. */
function largePlace({ rows }: Table, value: Readonly<Record<string, unknown>>): Uint8Array | undefined {
  let bytes = 0
  for (const { key, field } of rows) {
    const content = value[key]
    if (field.type.proto !== 'bytes' || content === undefined) continue
    if (field.label !== 'repeated') bytes += (content as Uint8Array).byteLength + HEAD_BYTES
    else for (const item of content as readonly Uint8Array[]) bytes += item.byteLength + HEAD_BYTES
  }
  return bytes < LARGE_BYTES ? undefined : Buffer.allocUnsafeSlow(bytes + LARGE_BYTES)
}

function countPresent({ rows }: Table, value: Readonly<Record<string, unknown>>): number {
  return rows.reduce((count, { key }) => (value[key] === undefined ? count : count + 1), 0)
}

function writeField(writer: Writer, path: string, field: WireField<unknown>, value: unknown): void {
  const tag = (field.id << 3) | field.type.wireType
  try {
    switch (field.label) {
      case 'single':
        if (!field.type.isAbsent(value)) field.type.write(writer.uint32(tag), value)
        break
      case 'optional':
        if (value !== undefined) field.type.write(writer.uint32(tag), value)
        break
      case 'repeated': {
        const items = value as readonly unknown[]
        if (items.length > field.most) throw new RangeError(`${items.length} items, over ${field.most}`)
        for (const item of items) field.type.write(writer.uint32(tag), item)
      }
    }
  } catch (cause) {
    throw new RangeError(`cannot encode ${path}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

function readTable(reader: Reader, table: Table): Record<string, unknown> {
  const { name, rows, byId } = table
  const result: Record<string, unknown> = {}
  for (const { key, field } of rows) {
    result[key] = field.label === 'repeated' ? [] : field.label === 'optional' ? undefined : field.type.absent
  }
  let seen = 0
  while (reader.pos < reader.len) {
    const tag = reader.tag()
    const id = tag >>> 3
    const wireType = tag & 7
    const row = byId[id]
    if (row === undefined) skipUnknown(reader, id, wireType, name)
    else if (wireType !== row.field.type.wireType)
      throw new WireError('WIRE_MALFORMED', row.path, `wire type ${wireType}`)
    else if (row.field.label === 'repeated') {
      const items = result[row.key] as unknown[]
      if (items.length >= row.field.most) throw new WireError('WIRE_TOO_MANY', row.path, `more than ${row.field.most}`)
      items.push(row.field.type.read(reader, row.path))
    } else {
      // Decoders differ here: some keep the last, some merge. On signed data that would be two meanings of the same bytes.
      if ((seen & (1 << id)) !== 0) throw new WireError('WIRE_MALFORMED', row.path, 'is there twice')
      seen |= 1 << id
      result[row.key] = row.field.type.read(reader, row.path)
    }
  }
  for (const { key, path, field } of rows) {
    if (field.label === 'single' && result[key] === undefined)
      throw new WireError('WIRE_MISSING_FIELD', path, 'is required')
  }
  if (table.exactlyOne) requireOne(countPresent(table, result), name)
  return result
}

function requireOne(present: number, name: string): void {
  if (present === 0) throw new WireError('WIRE_MISSING_FIELD', name, 'has none of its fields')
  if (present > 1) throw new WireError('WIRE_MALFORMED', name, 'has more than one of its fields')
}

/** Groups nest without a bound and no version of this wire uses them, so they are refused rather than skipped. */
function skipUnknown(reader: Reader, id: number, wireType: number, name: string): void {
  if (id === 0) throw new WireError('WIRE_MALFORMED', name, 'field number 0')
  if (wireType === 3 || wireType === 4) throw new WireError('WIRE_MALFORMED', name, 'a group')
  if (wireType === 0) readVarint(reader, name)
  else reader.skipType(wireType)
}
