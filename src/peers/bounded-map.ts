/**
 * A map that forgets the key set longest ago when it is full: for tables keyed by peers, of whom there may be any number.
 */
export class BoundedMap<Key, Value> {
  readonly #capacity: number
  readonly #entries = new Map<Key, Value>()

  /** @param capacity most entries, at least 1 */
  constructor(capacity: number) {
    if (!(capacity >= 1)) throw new RangeError(`a capacity of at least 1, not ${capacity}`)
    this.#capacity = capacity
  }

  get(key: Key): Value | undefined {
    return this.#entries.get(key)
  }

  /** Sets a value and makes its key the last to be forgotten. */
  set(key: Key, value: Value): void {
    this.#entries.delete(key)
    if (this.#entries.size >= this.#capacity) {
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest)
        break
      }
    }
    this.#entries.set(key, value)
  }

  clear(): void {
    this.#entries.clear()
  }

  delete(key: Key): void {
    this.#entries.delete(key)
  }
}
