/** Codes that errors have: some dozens of our own, and a few of libp2p and the system. */
const MOST = 128
const FORM = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/

/** Values of a label that come from errors: so many of them, whatever is thrown, and `other` for the rest. */
export class BoundedLabel {
  readonly #known = new Set<string>()

  of(value: string): string {
    if (this.#known.has(value)) return value
    if (this.#known.size >= MOST || !FORM.test(value)) return 'other'
    this.#known.add(value)
    return value
  }
}
