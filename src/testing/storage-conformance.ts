import { describe } from 'node:test'
import type { Genesis } from '../consensus/genesis.ts'
import type { CommitStore } from '../storage/commit-store.ts'
import { certifierTests } from './storage-conformance-certifiers.ts'
import { concurrencyTests } from './storage-conformance-concurrency.ts'
import { cursorTests } from './storage-conformance-cursors.ts'
import { epochTests } from './storage-conformance-epochs.ts'
import { lifecycleTests } from './storage-conformance-lifecycle.ts'
import { pruningTests } from './storage-conformance-pruning.ts'
import { readTests } from './storage-conformance-reads.ts'
import { writeTests } from './storage-conformance-writes.ts'

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

/**
 * Registers tests that every {@link CommitStore} must pass, with `node:test`. They use the interface alone.
 *
 * ```ts
 * // my-store.test.ts, run by `node --test`
 * import { storageConformance } from 'soma-p2p/testing'
 *
 * storageConformance({
 *   name: 'my store',
 *   async open(genesis) {
 *     const path = await mkdtemp(join(tmpdir(), 'my-store-'))
 *     let store = await openMyStore(path, { genesis })
 *     return {
 *       store,
 *       async reopen() {
 *         await store.close()
 *         store = await openMyStore(path, { genesis })
 *         return store
 *       },
 *       async dispose() {
 *         await store.close()
 *         await rm(path, { recursive: true })
 *       }
 *     }
 *   }
 * })
 * ```
 *
 * What it cannot show from outside is for tests of one's own: that a failed write leaves the store as it was, that another chain's data
 * is refused, and that a killed process leaves a store that opens at a commit boundary.
 */
export function storageConformance(underTest: StoreUnderTest): void {
  describe(`${underTest.name} as a commit store`, () => {
    writeTests(underTest)
    readTests(underTest)
    certifierTests(underTest)
    epochTests(underTest)
    pruningTests(underTest)
    cursorTests(underTest)
    concurrencyTests(underTest)
    lifecycleTests(underTest)
  })
}
