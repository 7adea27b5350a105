import type { CommittedSubDag } from '../../src/consensus/committed-sub-dag.ts'
import { type Digest, digestOf } from '../../src/consensus/digest.ts'
import type { Operation } from '../../src/storage/database.ts'
import { ExecutedBefore } from './executed-before.ts'
import type { LedgerDatabase } from './ledger-database.ts'
import { encodeIndex } from './ledger-keys.ts'
import { type ExecutedTransactions, slicesOf, type TransactionExecution } from './transaction-execution.ts'

/** Executes transactions that are bytes and nothing more: to be executed is to be folded into the state digest, once. */
export class OpaqueExecution implements TransactionExecution {
  readonly #database: LedgerDatabase
  readonly #before = new ExecutedBefore()

  constructor(database: LedgerDatabase) {
    this.#database = database
  }

  async execute(subDag: CommittedSubDag): Promise<ExecutedTransactions> {
    const folded: Digest[] = []
    const effects = encodeIndex(subDag.commit.ref.index)
    let duplicates = 0
    for (const slice of slicesOf(subDag)) {
      const digests = slice.map((transaction) => digestOf('transaction', transaction))
      const isFirst = await this.#before.firstOf(this.#database, digests)
      for (const [at, digest] of digests.entries()) {
        if (isFirst[at] !== true) {
          duplicates += 1
          continue
        }
        this.#before.add(digest, effects)
        folded.push(digest)
      }
    }
    return { folded, transactions: folded.length, failed: 0, duplicates, endsOfPublish: 0, unreadable: 0 }
  }

  puts(): Operation[] {
    return this.#before.puts()
  }

  keep(): void {
    this.#before.clear()
  }

  drop(): void {
    this.#before.clear()
  }

  forget(): void {
    this.#before.clear()
  }
}
