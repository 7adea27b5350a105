import { type BlockRef, blockRefsEqual } from './block-ref.ts'

interface Entry<Value> {
  readonly ref: BlockRef
  value: Value
  /** Another block by the same author in the same round, or of another epoch. */
  next: Entry<Value> | undefined
}

/** More than the index of any author. */
const AUTHORS = 2 ** 20

/**
 * A map from block references, without a text for each: a sync looks each block up a dozen times. Blocks are found by round and author, and told apart by
 * what is left, digest and epoch: there is more than one only where an author equivocates.
 */
export class BlockRefMap<Value> {
  readonly #entries = new Map<number, Entry<Value>>()
  #size = 0

  constructor(entries: Iterable<readonly [BlockRef, Value]> = []) {
    for (const [ref, value] of entries) this.set(ref, value)
  }

  get size(): number {
    return this.#size
  }

  get(ref: BlockRef): Value | undefined {
    return this.#find(ref)?.value
  }

  has(ref: BlockRef): boolean {
    return this.#find(ref) !== undefined
  }

  set(ref: BlockRef, value: Value): void {
    const found = this.#find(ref)
    if (found !== undefined) {
      found.value = value
      return
    }
    const place = placeOf(ref)
    this.#entries.set(place, { ref, value, next: this.#entries.get(place) })
    this.#size += 1
  }

  /** @returns whether it was there */
  delete(ref: BlockRef): boolean {
    const place = placeOf(ref)
    let before: Entry<Value> | undefined
    for (let entry = this.#entries.get(place); entry !== undefined; entry = entry.next) {
      if (blockRefsEqual(entry.ref, ref)) {
        if (before !== undefined) before.next = entry.next
        else if (entry.next !== undefined) this.#entries.set(place, entry.next)
        else this.#entries.delete(place)
        this.#size -= 1
        return true
      }
      before = entry
    }
    return false
  }

  clear(): void {
    this.#entries.clear()
    this.#size = 0
  }

  #find(ref: BlockRef): Entry<Value> | undefined {
    let entry = this.#entries.get(placeOf(ref))
    while (entry !== undefined && !blockRefsEqual(entry.ref, ref)) entry = entry.next
    return entry
  }
}

/** A read-only `BlockRefMap`. */
export type ReadonlyBlockRefMap<Value> = Pick<BlockRefMap<Value>, 'get' | 'has' | 'size'>

function placeOf({ round, author }: BlockRef): number {
  return round * AUTHORS + author
}
