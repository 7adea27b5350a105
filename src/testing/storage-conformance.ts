import { describe } from 'node:test'
import { beginningTests } from './storage-conformance-beginning.ts'
import { certifierTests } from './storage-conformance-certifiers.ts'
import { concurrencyTests } from './storage-conformance-concurrency.ts'
import { cursorTests } from './storage-conformance-cursors.ts'
import { epochTests } from './storage-conformance-epochs.ts'
import { lifecycleTests } from './storage-conformance-lifecycle.ts'
import { pruningTests } from './storage-conformance-pruning.ts'
import { readTests } from './storage-conformance-reads.ts'
import { writeTests } from './storage-conformance-writes.ts'
import type { StoreUnderTest } from './store-under-test.ts'

export type { StoreFixture, StoreUnderTest } from './store-under-test.ts'

/**
 * Registers tests that every `CommitStore` must pass, with `node:test`. They use the interface alone.
 *
 * ```ts
 * // my-store.test.ts, run by `node --test`
 * import { mkdtemp, rm } from 'node:fs/promises'
 * import { tmpdir } from 'node:os'
 * import { join } from 'node:path'
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
    beginningTests(underTest)
    cursorTests(underTest)
    concurrencyTests(underTest)
    lifecycleTests(underTest)
  })
}
