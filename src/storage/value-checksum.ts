import { crc32 } from 'node:zlib'

/** Bytes of the checksum behind a value. */
const CHECKSUM_BYTES = 4

/** Bytes of a value as it is stored. */
export function sealedBytes(value: Uint8Array): number {
  return value.byteLength + CHECKSUM_BYTES
}

/**
 * A value as it is stored: with a CRC-32 of its key and itself behind it. LevelDB keeps checksums too, but does not look at them when it reads: a bit that the disk
 * turned would come back as a block or a committee that nobody signed.
 *
 * @param sealed where it is written. @default bytes of its own
 */
export function sealValue(
  key: Uint8Array,
  value: Uint8Array,
  sealed: Buffer = Buffer.allocUnsafe(sealedBytes(value))
): Buffer {
  sealed.set(value)
  sealed.writeUInt32BE(checksum(key, value), value.byteLength)
  return sealed
}

/** The value within a stored one, of which it is a view; `undefined` where it is not what was written under this key. */
export function openValue(key: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
  const length = sealed.byteLength - CHECKSUM_BYTES
  if (length < 0) return undefined
  const value = sealed.subarray(0, length)
  const stored = new DataView(sealed.buffer, sealed.byteOffset + length).getUint32(0)
  return stored === checksum(key, value) ? value : undefined
}

function checksum(key: Uint8Array, value: Uint8Array): number {
  return crc32(value, crc32(key))
}
