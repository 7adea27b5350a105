import type { Committee } from '../consensus/committee.ts'

/**
 * Verifies the transactions of blocks. Embedders bring their own, or none: then transactions are opaque bytes.
 */
export interface TransactionVerifier {
  /**
   * Verifies one block's transactions against the committee of its epoch.
   *
   * @returns the index of the first transaction that is invalid and why, or `undefined` when all are valid
   */
  verify(
    transactions: readonly Uint8Array[],
    committee: Committee,
    options?: { signal?: AbortSignal | undefined }
  ): Promise<{ index: number; reason: string } | undefined>
}
