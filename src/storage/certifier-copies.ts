/** What is known of certifier blocks that the store holds a copy of, for no commit held them. */
export interface CopyChanges {
  /** Copies stored: the block and the commit that it certifies. */
  readonly added: readonly { readonly block: string; readonly index: number }[]
  /** Blocks that commits hold now, so that their copies went. */
  readonly dropped: readonly string[]
}

/**
 * For how many commits a copy is watched. A block that no commit took in a thousand is beyond the reach of consensus, and its copy
 * stays until the commit that it certifies is pruned. This bounds the memory against validators whose blocks vote and never get in.
 */
export const COPIES_WATCHED = 1_000

/**
 * Copies of certifier blocks near the tip, by block: so that a commit which comes to hold such a block
 * has its copy deleted in the same write, without a look into the database for every block.
 */
export class CertifierCopies {
  readonly #byBlock = new Map<string, number[]>()
  readonly #byCommit = new Map<number, string[]>()

  /** Number of blocks watched. */
  get size(): number {
    return this.#byBlock.size
  }

  /** The commits for which a copy of a block is stored. */
  of(block: string): readonly number[] {
    return this.#byBlock.get(block) ?? []
  }

  /** Takes over what a write has done, `tip` being the highest synced commit after it. */
  apply(changes: CopyChanges, tip: number): void {
    for (const block of changes.dropped) this.#byBlock.delete(block)
    for (const { block, index } of changes.added) {
      append(this.#byBlock, block, index)
      append(this.#byCommit, index, block)
    }
    this.#forgetBelow(tip - COPIES_WATCHED)
  }

  #forgetBelow(lowest: number): void {
    for (const [index, blocks] of this.#byCommit) {
      if (index >= lowest) continue
      this.#byCommit.delete(index)
      for (const block of blocks) this.#forget(block, index)
    }
  }

  #forget(block: string, index: number): void {
    const left = this.of(block).filter((other) => other !== index)
    if (left.length > 0) this.#byBlock.set(block, left)
    else this.#byBlock.delete(block)
  }
}

function append<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}
