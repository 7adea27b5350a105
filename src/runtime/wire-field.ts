import type protobuf from 'protobufjs/minimal.js'
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
  /** Whether exactly one of the fields is there: a `oneof` of the `.proto` file. */
  readonly exactlyOne: boolean
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

/** How long a field of bytes may be: one length exactly, or up to one. */
export type Limit = { readonly length: number } | { readonly most: number }

/** How one item of a field is read and written. */
export interface FieldType<T> {
  readonly proto: string
  readonly wireType: 0 | 2
  readonly message?: WireMessage<unknown>
  /** Of bytes and strings: the exact or the greatest length in bytes. Of integers: the greatest value. */
  readonly limit?: Limit
  readonly absent: T | undefined
  read(reader: Reader, field: string): T
  write(writer: Writer, value: T): void
  isAbsent(value: T): boolean
}

/** One row of a message's table. */
export interface WireField<T> {
  readonly id: number
  readonly type: FieldType<unknown>
  readonly label: 'single' | 'optional' | 'repeated'
  /** Most items of a repeated field. */
  readonly most: number
  /** Carries the TypeScript type only. */
  readonly value?: T
}

/** A field of one item, required where the type has no value that stands for absence. */
export function single<T>(id: number, type: FieldType<T>): WireField<T> {
  return { id, type: type as FieldType<unknown>, label: 'single', most: 1 }
}

/** Reads a varint of at most ten bytes. Exact up to 2^53 - 1; a larger one gives some number above that. */
export function readVarint(reader: Reader, field: string): number {
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
    limit: { most: Number.MAX_SAFE_INTEGER },
    absent: 0,
    read: readUint64,
    write: (writer, value) => writer.uint64(requireInteger(value, Number.MAX_SAFE_INTEGER)),
    isAbsent: (value) => value === 0
  })
}

/** A `uint32`, at most `most` (2^32 - 1 by default). */
export function uint32(id: number, most = 0xffff_ffff): WireField<number> {
  return smallInteger(id, 'uint32', most)
}

/** A number of the enum `proto`, known or not: protobuf has them in 31 bits. */
export function enumeration(id: number, proto: string): WireField<number> {
  return smallInteger(id, proto, 0x7fff_ffff)
}

function smallInteger(id: number, proto: string, most: number): WireField<number> {
  return single(id, {
    proto,
    wireType: 0,
    limit: { most },
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
export function bytes(id: number, limit: Limit): WireField<Uint8Array> {
  const exact = 'length' in limit
  const most = exact ? limit.length : limit.most
  return single<Uint8Array>(id, {
    proto: 'bytes',
    wireType: 2,
    limit,
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
    limit: { most },
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

/** The same field, allowed to be absent, and then `undefined`. */
export function optional<T>(field: WireField<T>): WireField<T | undefined> {
  return { ...field, label: 'optional' } as WireField<T | undefined>
}

/** The same field any number of times up to `most`. Packed scalars are not used on this wire. */
export function repeated<T>(field: WireField<T>, most: number): WireField<readonly T[]> {
  return { ...field, label: 'repeated', most } as unknown as WireField<readonly T[]>
}
