/** Keys kept: those of a few committees of the largest size. */
const MOST = 4_096

/**
 * Public keys that were parsed and found to be points of the group, which costs as much as a good part of verifying a signature: a committee's
 * keys come again with every signature of its epoch. The one that was parsed first is forgotten first.
 */
export class ParsedKeys<Key> {
  readonly #parse: (bytes: Uint8Array) => Key
  readonly #keys = new Map<string, Key>()

  /** @param parse throws for what is no key */
  constructor(parse: (bytes: Uint8Array) => Key) {
    this.#parse = parse
  }

  /** The key of these bytes. Throws what `parse` throws, each time. */
  get(bytes: Uint8Array): Key {
    const name = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
    const known = this.#keys.get(name)
    if (known !== undefined) return known
    const key = this.#parse(bytes)
    this.#keys.set(name, key)
    for (const oldest of this.#keys.keys()) {
      if (this.#keys.size <= MOST) break
      this.#keys.delete(oldest)
    }
    return key
  }
}
