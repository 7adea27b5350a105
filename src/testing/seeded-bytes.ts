import { createCipheriv } from 'node:crypto'

/**
 * Repeatable bytes, the same on every machine: the keystream of AES-256 in counter mode, which makes gigabytes a second.
 *
 * @param key 32 bytes
 * @param position an integer from 0: each has a stream of its own
 */
export function seededBytes(key: Uint8Array, position: number, length: number): Uint8Array {
  const counter = Buffer.alloc(16)
  counter.writeBigUInt64BE(BigInt(position))
  return createCipheriv('aes-256-ctr', key, counter).update(new Uint8Array(length))
}
