import type { Genesis } from '../consensus/genesis.ts'
import type { CommitStore } from '../storage/commit-store.ts'

/** One store to be tested. */
export interface StoreFixture {
  readonly store: CommitStore
  /**
   * Closes the store, if it is open, and opens it again with what was durable. Leave it away for stores that outlive nothing: the tests
   * that need it are skipped.
   */
  reopen?(): Promise<CommitStore>
  /** Closes the store, if it is open, and removes what is left of it. */
  dispose(): Promise<void>
}

/** An implementation of {@link CommitStore} to be tested. */
export interface StoreUnderTest {
  /** What it is called in the names of the tests. */
  readonly name: string
  /** Makes an empty store for a chain. Called once a test. */
  open(genesis: Genesis): Promise<StoreFixture>
}
