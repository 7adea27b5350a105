import { digestKey } from '../../src/consensus/digest.ts'
import { BoundedMap } from '../../src/peers/bounded-map.ts'
import type { Operation } from '../../src/storage/database.ts'
import type { LedgerDatabase } from './ledger-database.ts'
import { type RowKind, rowKey } from './ledger-keys.ts'

/** How rows of a kind are kept. */
export interface CachedRowsInit<Row> {
  readonly kind: RowKind
  /** What a row is that nobody has written. */
  readonly absent: Row
  encode(row: Row): Uint8Array
  /** @throws {LedgerError} `LEDGER_CORRUPTED` */
  decode(stored: Uint8Array): Row
  /** Most rows remembered between reads: those used last. */
  readonly capacity: number
}

interface Changed<Row> {
  readonly id: Uint8Array
  readonly row: Row
}

/**
 * Rows of one kind, by ids of 32 bytes. They are read many at a time, and then used and changed at once; a change is seen by whatever comes after it, and is
 * kept or dropped with the write that it belongs to.
 */
export class CachedRows<Row> {
  readonly #init: CachedRowsInit<Row>
  readonly #cache: BoundedMap<string, Row>
  /** Those loaded last. */
  #atHand = new Map<string, Row>()
  readonly #changed = new Map<string, Changed<Row>>()

  constructor(init: CachedRowsInit<Row>) {
    this.#init = init
    this.#cache = new BoundedMap(init.capacity)
  }

  /** Reads what is to be used next, in place of what was. */
  async load(database: LedgerDatabase, ids: readonly Uint8Array[]): Promise<void> {
    const atHand = new Map<string, Row>()
    const missing = new Map<string, Uint8Array>()
    for (const id of ids) {
      const key = digestKey(id)
      if (atHand.has(key) || missing.has(key)) continue
      const row = this.#changed.get(key)?.row ?? this.#cache.get(key)
      if (row === undefined) missing.set(key, id)
      else atHand.set(key, row)
    }
    if (missing.size > 0) {
      const read = await database.getMany(Array.from(missing.values(), (id) => rowKey(this.#init.kind, id)))
      for (const [at, key] of [...missing.keys()].entries()) {
        const stored = read[at]
        atHand.set(key, stored === undefined ? this.#init.absent : this.#init.decode(stored))
      }
    }
    for (const [key, row] of atHand) if (!this.#changed.has(key)) this.#cache.set(key, row)
    this.#atHand = atHand
  }

  /** @throws {RangeError} for a row that is not loaded */
  get(id: Uint8Array): Row {
    const row = this.#atHand.get(digestKey(id))
    if (row === undefined) throw new RangeError(`${this.#init.kind} ${digestKey(id)} is not loaded`)
    return row
  }

  set(id: Uint8Array, row: Row): void {
    const key = digestKey(id)
    this.#atHand.set(key, row)
    this.#changed.set(key, { id, row })
  }

  /** What writes the changes. */
  puts(): Operation[] {
    const { kind, encode } = this.#init
    return Array.from(this.#changed.values(), ({ id, row }) => ({
      type: 'put',
      key: rowKey(kind, id),
      value: encode(row)
    }))
  }

  /** The changes are durable. */
  keep(): void {
    for (const [key, { row }] of this.#changed) this.#cache.set(key, row)
    this.#changed.clear()
  }

  /** The changes will not be written. */
  drop(): void {
    this.#changed.clear()
    this.#atHand.clear()
  }

  /** Another may have written: nothing remembered holds. */
  forget(): void {
    this.drop()
    this.#cache.clear()
  }
}
