import { type Random, randomInteger } from '../../src/runtime/random.ts'
import { join, varint } from './wire-fields.ts'

/** Numbers at the edges of what fields, lengths and counts may be. */
const EDGES = [
  0,
  1,
  31,
  32,
  33,
  63,
  64,
  65,
  127,
  128,
  255,
  256,
  999,
  1_000,
  1_001,
  9_999,
  10_000,
  10_001,
  2 ** 16,
  2 ** 21,
  2 ** 22 + 1,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 53 - 1,
  2 ** 53
]
/** Varints that numbers do not make: 2^63, 2^64 - 1, one in more bytes than it needs, ones without an end. */
const ODD_VARINTS = [
  Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01),
  Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01),
  Uint8Array.of(0x81, 0x80, 0x80, 0x00),
  new Uint8Array(10).fill(0xff),
  new Uint8Array(64).fill(0x80)
]
/** Longest stretch that is repeated or put in at a time. */
const MAX_STRETCH = 512

/** Damages bytes without knowing what they are. */
export function mutateBytes(random: Random, input: Uint8Array, donor: Uint8Array): Uint8Array {
  const at = randomInteger(random, input.byteLength + 1)
  const end = Math.min(input.byteLength, at + 1 + randomInteger(random, MAX_STRETCH))
  switch (randomInteger(random, 8)) {
    case 0:
      return withByte(input, at, (old) => old ^ (1 << randomInteger(random, 8)))
    case 1:
      return withByte(input, at, () => pick(random, [0, 1, 0x7f, 0x80, 0xff, randomInteger(random, 256)]))
    case 2:
      return join([input.subarray(0, at), randomBytes(random, 16), input.subarray(at)])
    case 3:
      return join([input.subarray(0, at), input.subarray(end)])
    case 4:
      return join([input.subarray(0, end), input.subarray(at)])
    case 5:
      return input.subarray(0, at)
    case 6:
      return join([input.subarray(0, at), anyVarint(random), input.subarray(at + randomInteger(random, 3))])
    default:
      return join([input.subarray(0, at), donor.subarray(randomInteger(random, donor.byteLength + 1))])
  }
}

/** A number at an edge, or any up to 2^32, as a varint. */
export function anyVarint(random: Random): Uint8Array {
  const kind = randomInteger(random, 8)
  if (kind === 0) return pick(random, ODD_VARINTS)
  return varint(kind === 1 ? randomInteger(random, 2 ** 32) : pick(random, EDGES))
}

/** A number at an edge. */
export function anyEdge(random: Random): number {
  return pick(random, EDGES)
}

export function randomBytes(random: Random, most: number): Uint8Array {
  return Uint8Array.from({ length: randomInteger(random, most + 1) }, () => randomInteger(random, 256))
}

export function pick<T>(random: Random, items: readonly T[]): T {
  return items[randomInteger(random, items.length)] as T
}

function withByte(input: Uint8Array, at: number, change: (old: number) => number): Uint8Array {
  const changed = Uint8Array.from(input)
  if (at < changed.byteLength) changed[at] = change(changed[at] ?? 0)
  return changed
}
