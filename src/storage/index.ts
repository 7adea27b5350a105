/**
 * Where a node keeps its chain.
 *
 * ```ts
 * import { openLevelStore } from 'soma-p2p'
 *
 * const store = await openLevelStore('/var/lib/soma/chain', { genesis })
 * console.log(store.watermarks.highestSynced.index)
 * await store.close()
 * ```
 *
 * @module
 */
export type { CertifierBlock, CertifierWrite, CommitStore, StoreWrite, Watermarks } from './commit-store.ts'
export { openLevelStore } from './level-store.ts'
export { openMemoryStore } from './memory-store.ts'
export type { StoreInit } from './open-store.ts'
export { StorageError, type StorageErrorCode } from './storage-error.ts'
export {
  type BlockSearch,
  openStoreSnapshot,
  type StoreSnapshot,
  type ValueCheck
} from './store-snapshot.ts'
