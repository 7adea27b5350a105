import type { BlsCheck } from './bls-verifier.ts'

/*
 * A batch of BLS checks as one piece of memory that is handed to another thread: cloning the checks would copy the whole committee and the whole
 * block that their bytes are views into.
 *
 *   batch = check, one after the other
 *   check = number of keys, uint32 | part of each key | part of the message | part of the signature
 *   part  = length, uint32 | bytes
 *
 * Integers are little-endian. Parts have whatever length they came with: what is malformed is for the verifying thread to refuse.
 */

/** Packs checks into memory of their own. */
export function packBlsChecks(checks: readonly BlsCheck[]): Uint8Array<ArrayBuffer> {
  const packed = new Uint8Array(checks.reduce((sum, check) => sum + packedBytes(check), 0))
  const view = new DataView(packed.buffer)
  let offset = 0
  for (const { publicKeys, message, signature } of checks) {
    view.setUint32(offset, publicKeys.length, true)
    offset += 4
    for (const part of [...publicKeys, message, signature]) {
      view.setUint32(offset, part.byteLength, true)
      packed.set(part, offset + 4)
      offset += 4 + part.byteLength
    }
  }
  return packed
}

/** Reads packed checks; their bytes are views into the batch. */
export function unpackBlsChecks(packed: Uint8Array): BlsCheck[] {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength)
  let offset = 0
  const next = () => {
    const value = view.getUint32(offset, true)
    offset += 4
    return value
  }
  const part = () => {
    const length = next()
    offset += length
    return packed.subarray(offset - length, offset)
  }
  const checks: BlsCheck[] = []
  while (offset < packed.byteLength) {
    const publicKeys = Array.from({ length: next() }, part)
    checks.push({ publicKeys, message: part(), signature: part() })
  }
  return checks
}

function packedBytes({ publicKeys, message, signature }: BlsCheck): number {
  return publicKeys.reduce((sum, key) => sum + 4 + key.byteLength, 12 + message.byteLength + signature.byteLength)
}
