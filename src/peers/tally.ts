/** Counts by label, from the start of the process on. */
export class Tally<Label extends string> {
  readonly #counts: Record<Label, number>
  readonly #listeners: ((label: Label, by: number) => void)[] = []

  /** @param zero every label, with 0 */
  constructor(zero: Readonly<Record<Label, 0>>) {
    this.#counts = { ...zero }
  }

  add(label: Label): void {
    this.#counts[label] += 1
    for (const listener of this.#listeners) listener(label, 1)
  }

  counts(): Record<Label, number> {
    return { ...this.#counts }
  }

  /** Tells of every count so far, of 0 too, and of every one to come. */
  forward(listener: (label: Label, by: number) => void): void {
    this.#listeners.push(listener)
    for (const label in this.#counts) listener(label, this.#counts[label])
  }
}
