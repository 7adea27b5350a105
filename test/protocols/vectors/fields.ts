import { toHex } from '../../../src/runtime/hex.ts'
import type { WireMessage } from '../../../src/runtime/wire-message.ts'

/** What a vector says of a message: its fields under their names in the `.proto` files, bytes in hexadecimal, absent ones left out. */
export function fieldsOf<T>(message: WireMessage<T>, value: T): Record<string, unknown> {
  const fields: Record<string, unknown> = {}
  for (const [name, { type }] of Object.entries(message.fields)) {
    const { message: inner } = type
    const plain = (item: unknown): unknown => {
      if (item instanceof Uint8Array) return toHex(item)
      return inner === undefined ? item : fieldsOf(inner, item)
    }
    const found = value[name as keyof T] as unknown
    if (found === undefined) continue
    fields[name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)] = Array.isArray(found)
      ? found.map(plain)
      : plain(found)
  }
  return fields
}

/** Thirty-two times the same byte: seeds and digests that everyone can type. */
export function filled(byte: number): Uint8Array {
  return new Uint8Array(32).fill(byte)
}
