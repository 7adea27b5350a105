import { type Random, randomInteger, shuffled } from '../../src/runtime/random.ts'
import { anyEdge, anyVarint, mutateBytes, pick, randomBytes } from './mutate-bytes.ts'
import { encodeFields, join, parseFields, type WireField } from './wire-fields.ts'

/** A signed block is protobuf behind a signature of 64 bytes. */
const OFFSETS = [0, 64]
/** Longest content that is made up. */
const MAX_CONTENT_BYTES = 4_096
/** Most copies of a field. */
const MAX_COPIES = 1_500
/** Beyond it a message grows no further. */
const MAX_BYTES: number = 64 * 1024

/** Changes the fields of a message, or of one within it, and leaves the rest whole: lengths around the change are right again. */
export function mutateProtobuf(random: Random, input: Uint8Array, donor: Uint8Array): Uint8Array {
  for (const offset of OFFSETS) {
    const fields = parseFields(input.subarray(offset))
    if (fields === undefined || fields.length === 0) continue
    const changed = mutateFields(random, fields, donor)
    return offset === 0 ? changed : join([input.subarray(0, offset), changed])
  }
  return mutateBytes(random, input, donor)
}

function mutateFields(random: Random, fields: WireField[], donor: Uint8Array): Uint8Array {
  const at = randomInteger(random, fields.length)
  const field = fields[at] as WireField
  if (field.wireType === 2 && field.content.byteLength > 0 && random.next() < 0.6) {
    return replaced(fields, at, { ...field, content: mutateProtobuf(random, field.content, donor) })
  }
  switch (randomInteger(random, 10)) {
    case 0:
      return encodeFields(fields.toSpliced(at, 1))
    case 1:
      return encodeFields(fields.toSpliced(at, 0, ...copies(random, field)))
    case 2:
      return encodeFields(shuffled(random, fields))
    case 3:
      return replaced(fields, at, { ...field, id: pick(random, [0, 1, 2, 3, 30, 31, 536_870_911, anyEdge(random)]) })
    case 4:
      return replaced(fields, at, { ...field, wireType: randomInteger(random, 8) })
    case 5:
      return encodeFields(fields.toSpliced(at, 0, unknownField(random)))
    case 6:
      return replaced(fields, at, { ...field, statedLength: anyEdge(random) })
    case 7:
      return encodeFields(fields.toSpliced(at, 0, ...donated(random, donor)))
    case 8:
      return replaced(fields, at, { ...field, content: nested(random, field) })
    default:
      return replaced(fields, at, { ...field, content: otherContent(random, field) })
  }
}

function replaced(fields: WireField[], at: number, field: WireField): Uint8Array {
  return encodeFields(fields.toSpliced(at, 1, field))
}

function copies(random: Random, field: WireField): WireField[] {
  const most = Math.min(MAX_COPIES, Math.floor(MAX_BYTES / (field.content.byteLength + 2)))
  const count = random.next() < 0.8 ? 1 : randomInteger(random, most + 1)
  return new Array<WireField>(count).fill(field)
}

function otherContent(random: Random, { wireType, content }: WireField): Uint8Array {
  if (wireType !== 2) return wireType === 0 ? anyVarint(random) : randomBytes(random, 8)
  switch (randomInteger(random, 5)) {
    case 0:
      return new Uint8Array(0)
    case 1:
      return content.subarray(0, -1)
    case 2:
      return join([content, Uint8Array.of(randomInteger(random, 256))])
    case 3:
      return new Uint8Array(randomInteger(random, MAX_CONTENT_BYTES)).fill(randomInteger(random, 256))
    default:
      return randomBytes(random, 64)
  }
}

function unknownField(random: Random): WireField {
  const wireType = pick(random, [0, 1, 2, 5])
  const content = { 0: anyVarint(random), 1: new Uint8Array(8), 2: randomBytes(random, 300), 5: new Uint8Array(4) }
  return { id: pick(random, [9, 15, 29, 30, 536_870_911]), wireType, content: content[wireType as 0 | 1 | 2 | 5] }
}

/** A field of the donor, from any depth. */
function donated(random: Random, donor: Uint8Array): WireField[] {
  const fields = parseFields(donor)
  if (fields === undefined || fields.length === 0) return []
  const field = pick(random, fields)
  if (field.wireType !== 2 || random.next() < 0.5) return [field]
  const inner = donated(random, field.content)
  return inner.length > 0 ? inner : [field]
}

/** The same field within itself, level by level. */
function nested(random: Random, field: WireField): Uint8Array {
  let content = field.content
  for (let depth = randomInteger(random, 200); depth > 0 && content.byteLength < MAX_BYTES; depth--) {
    content = encodeFields([{ id: field.id, wireType: 2, content }])
  }
  return content
}
