/** One piece of verification, done: for metrics. A failed one is told of as well. */
export interface VerifyWork {
  /** Of blocks: their structure, their authors' signatures, the BLS signatures of end-of-epoch data, their transactions. Of commits: chain and certification of a range. */
  readonly kind: 'structure' | 'signatures' | 'hand-over' | 'transactions' | 'certification'
  /** Blocks, transactions or commits. */
  readonly items: number
  /** From the beginning to the end, the wait for a thread included. */
  readonly milliseconds: number
}
