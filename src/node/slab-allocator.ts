/** Bytes of a slab: some sixteen frames of noise. */
const SLAB_BYTES = 1024 * 1024
/** Most bytes that come out of a slab: larger ones have a buffer of their own. */
const MOST_BYTES = SLAB_BYTES / 8
/** Node's own pool serves what is smaller. */
const LEAST_BYTES = 4 * 1024

/**
 * Gives out memory for large, short-lived byte strings, cut one after the other from slabs: to V8 each buffer of its own is a reason to collect. A slab goes when
 * nothing of it is in use any more. What is given out is not zeroed: it must be written over.
 */
export class SlabAllocator {
  #slab: Uint8Array = new Uint8Array()
  #offset = 0

  take(bytes: number): Uint8Array {
    if (bytes < LEAST_BYTES) return Buffer.allocUnsafe(bytes)
    if (bytes > MOST_BYTES) return Buffer.allocUnsafeSlow(bytes)
    if (this.#offset + bytes > this.#slab.byteLength) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
      this.#offset = 0
    }
    const taken = this.#slab.subarray(this.#offset, this.#offset + bytes)
    this.#offset += bytes
    return taken
  }
}
