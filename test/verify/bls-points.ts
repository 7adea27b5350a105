import { bls12_381 } from '@noble/curves/bls12-381.js'
import { fromHex } from '../../src/runtime/hex.ts'

/** A point of the curve that signatures are on, whatever its order. */
export type G2Point = ReturnType<typeof bls12_381.G2.Point.fromHex>

/** A compressed point of the curve that is not in the group of prime order. */
export function outsideTheGroup(): Uint8Array {
  const { Fp } = bls12_381.fields
  for (let x = 1n; ; x++) {
    const y2 = Fp.add(Fp.pow(x, 3n), 4n)
    if (Fp.pow(y2, (Fp.ORDER - 1n) / 2n) !== 1n) continue
    const point = bls12_381.G1.Point.fromAffine({ x, y: Fp.sqrt(y2) })
    if (point.isTorsionFree()) continue
    const bytes = fromHex(x.toString(16).padStart(96, '0'))
    bytes[0] = (bytes[0] ?? 0) | 0x80
    return bytes
  }
}

/** The same where signatures are: x = (n, 0) until one is on the curve. */
export function outsidePoint(): G2Point {
  const { Fp2 } = bls12_381.fields
  for (let n = 1n; ; n++) {
    const x = Fp2.create({ c0: n, c1: 0n })
    const y2 = Fp2.add(Fp2.mul(Fp2.sqr(x), x), Fp2.create({ c0: 4n, c1: 4n }))
    try {
      const point = bls12_381.G2.Point.fromAffine({ x, y: Fp2.sqrt(y2) })
      if (!point.isTorsionFree()) return point
    } catch {} // no root
  }
}

/** Compressed, which noble does for points of the group only: x.c1, x.c0, and whether y is the larger of the two roots. */
export function compress(point: G2Point): Uint8Array {
  const { x, y } = point.toAffine()
  const hex = (value: bigint) => value.toString(16).padStart(96, '0')
  const bytes = fromHex(hex(x.c1) + hex(x.c0))
  const half = (bls12_381.fields.Fp.ORDER - 1n) / 2n
  const isLarger = (y.c1 === 0n ? y.c0 : y.c1) > half
  return bytes.with(0, (bytes[0] ?? 0) | (isLarger ? 0xa0 : 0x80))
}

/** The same signature with a point of another order added. */
export function malleated(bytes: Uint8Array): Uint8Array {
  const { Point } = bls12_381.G2
  const outside = outsidePoint()
  const small = outside.multiplyUnsafe(Point.Fn.ORDER - 1n).add(outside)
  return compress(bls12_381.longSignatures.Signature.fromBytes(bytes).add(small))
}
