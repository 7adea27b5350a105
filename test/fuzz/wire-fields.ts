/** One field of a protobuf message as its bytes say, whatever message it is. */
export interface WireField {
  id: number
  wireType: number
  /** The varint, the fixed bytes, or what stands behind a length. */
  content: Uint8Array
  /** The length that is stated, where it is not the true one. */
  statedLength?: number
}

/** More fields than this are not taken apart. */
const MAX_FIELDS = 2_000

/** Takes a message apart; `undefined` when the bytes are none. */
export function parseFields(bytes: Uint8Array): WireField[] | undefined {
  const fields: WireField[] = []
  for (let at = 0; at < bytes.byteLength; ) {
    const tag = readVarint(bytes, at)
    if (tag === undefined || fields.length === MAX_FIELDS) return undefined
    const wireType = tag.value & 7
    const start = tag.end
    const end = endOf(bytes, start, wireType)
    if (end === undefined) return undefined
    const from = wireType === 2 ? (readVarint(bytes, start)?.end ?? start) : start
    fields.push({ id: Math.floor(tag.value / 8), wireType, content: bytes.subarray(from, end) })
    at = end
  }
  return fields
}

/** Puts a message together again. */
export function encodeFields(fields: readonly WireField[]): Uint8Array {
  const parts: Uint8Array[] = []
  for (const { id, wireType, content, statedLength } of fields) {
    parts.push(varint(id * 8 + wireType))
    if (wireType === 2) parts.push(varint(statedLength ?? content.byteLength))
    parts.push(content)
  }
  return join(parts)
}

/** A varint of up to 2^53. */
export function varint(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = value
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
  bytes.push(rest)
  return Uint8Array.from(bytes)
}

/** A varint of at most ten bytes, and where it ends. */
export function readVarint(bytes: Uint8Array, at: number): { value: number; end: number } | undefined {
  let value = 0
  for (let count = 0; count < 10; count++) {
    const byte = bytes[at + count]
    if (byte === undefined) return undefined
    value += (byte & 0x7f) * 2 ** (7 * count)
    if (byte < 0x80) return { value, end: at + count + 1 }
  }
  return undefined
}

/** Bytes one after the other. */
export function join(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

function endOf(bytes: Uint8Array, start: number, wireType: number): number | undefined {
  const end = unboundedEnd(bytes, start, wireType)
  return end !== undefined && end <= bytes.byteLength ? end : undefined
}

function unboundedEnd(bytes: Uint8Array, start: number, wireType: number): number | undefined {
  switch (wireType) {
    case 0:
      return readVarint(bytes, start)?.end
    case 1:
      return start + 8
    case 2: {
      const length = readVarint(bytes, start)
      return length && length.end + length.value
    }
    case 5:
      return start + 4
    default:
      return undefined
  }
}
