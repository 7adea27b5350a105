import type { CommittedSubDag } from '../../src/consensus/committed-sub-dag.ts'
import type { Digest } from '../../src/consensus/digest.ts'
import type { Operation } from '../../src/storage/database.ts'

/** What became of the transactions of a commit. */
export interface TransactionCounts {
  /** Executed, those that failed among them. */
  readonly transactions: number
  /** Executed, to no effect but a record of why. */
  readonly failed: number
  /** Left out because an earlier one was the same. */
  readonly duplicates: number
  /** Ends of publishing, by validators of the epoch: nothing to execute. */
  readonly endsOfPublish: number
  /** Left out because they do not decode. */
  readonly unreadable: number
}

/** What executing a commit's transactions gave. */
export interface ExecutedTransactions extends TransactionCounts {
  /** What goes into the state digest, in order. */
  readonly folded: readonly Digest[]
}

/** How transactions of one kind are executed. Changes are seen by the next commits, and kept or dropped with the write that they belong to. */
export interface TransactionExecution {
  /** Executes a commit's transactions in their order. */
  execute(subDag: CommittedSubDag): Promise<ExecutedTransactions>
  /** What writes the effects of all commits since the last `keep` or `drop`. */
  puts(): Operation[]
  /** They are durable. */
  keep(): void
  /** They will not be written. */
  drop(): void
  /** The database was opened anew: what is remembered of it may not hold. */
  forget(): void
}

/** Transactions executed at a time: few enough that the event loop is kept from other work for some milliseconds only. */
const SLICE = 256

/** The transactions of a commit, in order, a few at a time. */
export function* slicesOf({ blocks }: CommittedSubDag): Generator<Uint8Array[]> {
  let slice: Uint8Array[] = []
  for (const { block } of blocks) {
    for (const transaction of block.transactions) {
      slice.push(transaction)
      if (slice.length < SLICE) continue
      yield slice
      slice = []
    }
  }
  if (slice.length > 0) yield slice
}
