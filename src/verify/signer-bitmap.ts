import type { Committee } from '../consensus/committee.ts'

/**
 * The validators that a bitmap names: bit `i % 8` (least significant first) of byte `i / 8` stands for validator `i`.
 *
 * @returns their indexes, ascending; `undefined` when the bitmap is not as long as the committee needs, or names somebody beyond it:
 * every set of signers has one encoding
 */
export function decodeSigners(bitmap: Uint8Array, committee: Committee): number[] | undefined {
  const count = committee.validators.length
  if (bitmap.byteLength !== Math.ceil(count / 8)) return undefined
  const signers: number[] = []
  for (let index = 0; index < bitmap.byteLength * 8; index++) {
    const isSet = ((bitmap[index >> 3] ?? 0) >> (index & 7)) & 1
    if (isSet === 0) continue
    if (index >= count) return undefined
    signers.push(index)
  }
  return signers
}

/** The bitmap that names these validators. */
export function encodeSigners(signers: Iterable<number>, committee: Committee): Uint8Array {
  const bitmap = new Uint8Array(Math.ceil(committee.validators.length / 8))
  for (const index of signers) {
    if (committee.validators[index] === undefined) throw new RangeError(`no validator ${index} in the committee`)
    bitmap[index >> 3] = (bitmap[index >> 3] ?? 0) | (1 << (index & 7))
  }
  return bitmap
}
