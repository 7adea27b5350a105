import protobuf from 'protobufjs/minimal.js'
import { WireError } from './wire-error.ts'

type Reader = protobuf.Reader
type Writer = protobuf.Writer

/**
 * Bounded protobuf messages over protobufjs' reader and writer.
 *
 * A message is declared once as a table of fields with their limits; the table gives its TypeScript type, its encoder and
 * a decoder that checks every count and length *while* it reads. Generated decoders allocate first and check later:
 * a 4 MiB frame of two-byte empty submessages would cost them two million objects. The `.proto` files in
 * `protocols/` describe the same messages for other languages; a test compares the two field by field.
 */
export interface WireMessage<T> {
  /** The message's name, as in the `.proto` file. */
  readonly name: string
  /** The fields by name: what the conformance test reads. */
  readonly fields: Readonly<Record<string, WireField<unknown>>>
  /** @throws {RangeError} when a value does not fit its field: a programming error, never a peer's */
  encode(value: T): Uint8Array
  /**
   * Reads a message. Byte fields are views into `bytes`: copy what outlives it.
   *
   * @throws {WireError} when the bytes are not a valid message within its limits
   */
  decode(bytes: Uint8Array): T
}

/** The type that a message declaration decodes to. */
export type Infer<M> = M extends WireMessage<infer T> ? T : never

interface ScalarType<T> {
  readonly proto: string
  readonly wireType: 0 | 2
  readonly message?: WireMessage<unknown>
  readonly absent: T | undefined
  read(reader: Reader, field: string): T
  write(writer: Writer, value: T): void
  isAbsent(value: T): boolean
}

/** One row of a message's table. */
export interface WireField<T> {
  readonly id: number
  readonly type: ScalarType<unknown>
  readonly label: 'single' | 'optional' | 'repeated'
  /** Most items of a repeated field. */
  readonly most: number
  /** Carries the TypeScript type only. */
  readonly value?: T
}

type Fields = Readonly<Record<string, WireField<unknown>>>
type Decoded<F extends Fields> = { readonly [K in keyof F]: F[K] extends WireField<infer T> ? T : never }

function single<T>(id: number, type: ScalarType<T>): WireField<T> {
  return { id, type: type as ScalarType<unknown>, label: 'single', most: 1 }
}

/** Reads a varint of at most ten bytes. Exact up to 2^53 - 1; a larger one gives some number above that. */
function readVarint(reader: Reader, field: string): number {
  let value = 0
  let scale = 1
  for (let count = 0; count < 10; count++) {
    const byte = reader.pos < reader.len ? reader.buf[reader.pos++] : undefined
    if (byte === undefined) throw new WireError('WIRE_MALFORMED', field, 'a varint cut short')
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return value
    scale *= 0x80
  }
  throw new WireError('WIRE_MALFORMED', field, 'a varint of more than ten bytes')
}

function readUint64(reader: Reader, field: string): number {
  const value = readVarint(reader, field)
  if (!Number.isSafeInteger(value)) throw new WireError('WIRE_UNSAFE_INTEGER', field, 'above 2^53 - 1')
  return value
}

function requireInteger(value: number, most: number): number {
  if (!Number.isSafeInteger(value) || value < 0 || value > most)
    throw new RangeError(`not an integer in 0..${most}: ${value}`)
  return value
}

/** A `uint64`, held as a safe integer. */
export function uint64(id: number): WireField<number> {
  return single(id, {
    proto: 'uint64',
    wireType: 0,
    absent: 0,
    read: readUint64,
    write: (writer, value) => writer.uint64(requireInteger(value, Number.MAX_SAFE_INTEGER)),
    isAbsent: (value) => value === 0
  })
}

/** A `uint32`, at most `most` (2^32 - 1 by default). */
export function uint32(id: number, most = 0xffff_ffff): WireField<number> {
  return single(id, {
    proto: 'uint32',
    wireType: 0,
    absent: 0,
    read(reader, field) {
      const value = readUint64(reader, field)
      if (value > most) throw new WireError('WIRE_UNSAFE_INTEGER', field, `above ${most}`)
      return value
    },
    write: (writer, value) => writer.uint32(requireInteger(value, most)),
    isAbsent: (value) => value === 0
  })
}

/** A `bool`. */
export function bool(id: number): WireField<boolean> {
  return single(id, {
    proto: 'bool',
    wireType: 0,
    absent: false,
    read: (reader, field) => readUint64(reader, field) !== 0,
    write: (writer, value) => writer.bool(value),
    isAbsent: (value) => !value
  })
}

/** A `bytes` field: of exactly `length` bytes, or of at most `most`. */
export function bytes(id: number, limit: { length: number } | { most: number }): WireField<Uint8Array> {
  const exact = 'length' in limit
  const most = exact ? limit.length : limit.most
  return single<Uint8Array>(id, {
    proto: 'bytes',
    wireType: 2,
    absent: exact ? undefined : new Uint8Array(0),
    read(reader, field) {
      const value = reader.bytes()
      if (value.byteLength > most || (exact && value.byteLength !== most)) {
        throw new WireError('WIRE_TOO_LONG', field, `${value.byteLength} bytes, ${exact ? 'not' : 'over'} ${most}`)
      }
      return value
    },
    write(writer, value) {
      if (value.byteLength > most || (exact && value.byteLength !== most)) {
        throw new RangeError(`${value.byteLength} bytes, ${exact ? 'not' : 'over'} ${most}`)
      }
      writer.bytes(value)
    },
    isAbsent: (value) => !exact && value.byteLength === 0
  })
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A `string` of at most `most` bytes of valid UTF-8. */
export function string(id: number, most: number): WireField<string> {
  return single(id, {
    proto: 'string',
    wireType: 2,
    absent: '',
    read(reader, field) {
      const value = reader.bytes()
      if (value.byteLength > most)
        throw new WireError('WIRE_TOO_LONG', field, `${value.byteLength} bytes, over ${most}`)
      try {
        return utf8.decode(value)
      } catch (cause) {
        throw new WireError('WIRE_MALFORMED', field, 'not UTF-8', { cause })
      }
    },
    write(writer, value) {
      if (Buffer.byteLength(value) > most) throw new RangeError(`a string over ${most} bytes`)
      if (!value.isWellFormed()) throw new RangeError('a string with a lone surrogate, which has no UTF-8')
      writer.string(value)
    },
    isAbsent: (value) => value === ''
  })
}

/** A submessage, required. */
export function submessage<T>(id: number, message: WireMessage<T>): WireField<T> {
  const { name } = message
  const table = tableOf(message.fields, name)
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

/** The same field, allowed to be absent, and then `undefined`. */
export function optional<T>(field: WireField<T>): WireField<T | undefined> {
  return { ...field, label: 'optional' } as WireField<T | undefined>
}

/** The same field any number of times up to `most`. Packed scalars are not used on this wire. */
export function repeated<T>(field: WireField<T>, most: number): WireField<readonly T[]> {
  return { ...field, label: 'repeated', most } as unknown as WireField<readonly T[]>
}

interface Row {
  readonly key: string
  readonly path: string
  readonly field: WireField<unknown>
}

interface Table {
  readonly name: string
  readonly rows: readonly Row[]
  readonly byId: readonly (Row | undefined)[]
}

/** Highest field number that a table may use, so that the fields already read fit into the bits of one integer. */
const MAX_FIELD_ID = 30

function tableOf(fields: Fields, name: string): Table {
  const rows: Row[] = Object.entries(fields).map(([key, field]) => ({ key, path: `${name}.${key}`, field }))
  const byId = new Array<Row | undefined>(MAX_FIELD_ID + 1).fill(undefined)
  for (const row of rows) {
    const { id } = row.field
    if (!Number.isInteger(id) || id < 1 || id > MAX_FIELD_ID || byId[id] !== undefined) {
      throw new RangeError(`${row.path}: field number ${id}`)
    }
    byId[id] = row
  }
  return { name, rows, byId }
}

/**
 * Declares a message.
 *
 * @throws {RangeError} when a field number is out of 1..30 or used twice
 */
export function message<F extends Fields>(name: string, fields: F): WireMessage<Decoded<F>> {
  const table = tableOf(fields, name)
  return {
    name,
    fields,
    encode(value) {
      const writer = protobuf.Writer.create()
      for (const { key, path, field } of table.rows) writeField(writer, path, field, value[key as keyof F])
      const encoded = writer.finish()
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

function readTable(reader: Reader, { name, rows, byId }: Table): Record<string, unknown> {
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
  return result
}

/** Groups nest without a bound and no version of this wire uses them, so they are refused rather than skipped. */
function skipUnknown(reader: Reader, id: number, wireType: number, name: string): void {
  if (id === 0) throw new WireError('WIRE_MALFORMED', name, 'field number 0')
  if (wireType === 3 || wireType === 4) throw new WireError('WIRE_MALFORMED', name, 'a group')
  if (wireType === 0) readVarint(reader, name)
  else reader.skipType(wireType)
}
