/** What a ledger keeps of a sender or receiver. */
export interface Account {
  /** An integer from 0. */
  readonly balance: number
  /** Transfers that it has sent: what the next one must name. */
  readonly nonce: number
}

/** What every key has before it has sent or received anything, so that nobody has to be paid first. */
export const NEW_ACCOUNT: Account = { balance: 1_000_000, nonce: 0 }
