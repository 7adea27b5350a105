import type { Committee } from '../consensus/committee.ts'
import { blake2b256, type Digest, digestKey } from '../consensus/digest.ts'

/** Names transactions that were found valid, so many of them; the one that was found first is forgotten first. */
export class CertificateCache {
  readonly #capacity: number
  readonly #keys = new Set<string>()

  /**
   * @param capacity entries, an integer from 0; each takes about a hundred bytes
   * @throws {RangeError} for any other
   */
  constructor(capacity: number) {
    if (!Number.isSafeInteger(capacity) || capacity < 0) throw new RangeError(`a cache of ${capacity} entries`)
    this.#capacity = capacity
  }

  get size(): number {
    return this.#keys.size
  }

  has(key: string): boolean {
    return this.#keys.has(key)
  }

  /** Remembers one. One that is remembered already keeps its place. */
  add(key: string): void {
    this.#keys.add(key)
    for (const oldest of this.#keys) {
      if (this.#keys.size <= this.#capacity) break
      this.#keys.delete(oldest)
    }
  }
}

/**
 * Names all that the validity of a certified transaction depends on: the chain, the epoch, its committee, and every byte of the transaction, so that
 * nothing which differs anywhere from what was verified has its key.
 */
export function certificateKey(chainId: Digest, committee: Committee, transaction: Uint8Array): string {
  const epoch = Buffer.alloc(8)
  epoch.writeBigUInt64BE(BigInt(committee.epoch))
  return digestKey(blake2b256(chainId, epoch, committee.digest, transaction))
}
