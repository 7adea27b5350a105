import { type Digest, digestKey } from '../../src/consensus/digest.ts'
import type { Operation } from '../../src/storage/database.ts'
import type { LedgerDatabase } from './ledger-database.ts'
import { transactionKey } from './ledger-keys.ts'

/** Knows which transactions were executed, by their digests: a transaction is executed once, however many blocks, commits or epochs bring it. */
export class ExecutedBefore {
  /** Those of the write under way. */
  readonly #fresh = new Map<string, Operation>()

  /** Tells, of transactions in order, which are executed for the first time. */
  async firstOf(database: LedgerDatabase, digests: readonly Digest[]): Promise<boolean[]> {
    const stored = digests.length === 0 ? [] : await database.hasMany(digests.map(transactionKey))
    const seen = new Set<string>()
    return digests.map((digest, at) => {
      const key = digestKey(digest)
      const isFirst = stored[at] !== true && !this.#fresh.has(key) && !seen.has(key)
      seen.add(key)
      return isFirst
    })
  }

  /** Records a transaction with its effects. */
  add(digest: Digest, effects: Uint8Array): void {
    this.#fresh.set(digestKey(digest), { type: 'put', key: transactionKey(digest), value: effects })
  }

  puts(): Operation[] {
    return [...this.#fresh.values()]
  }

  /** Kept or dropped: the write is over. */
  clear(): void {
    this.#fresh.clear()
  }
}
