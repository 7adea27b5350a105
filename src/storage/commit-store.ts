import type { BlockRef } from '../consensus/block-ref.ts'
import type { TrustedCommit } from '../consensus/commit.ts'
import type { CommitRef } from '../consensus/commit-ref.ts'
import type { CommittedSubDag } from '../consensus/committed-sub-dag.ts'
import type { Committee } from '../consensus/committee.ts'
import type { Digest } from '../consensus/digest.ts'
import type { TrustedCheckpoint } from '../consensus/trusted-checkpoint.ts'

/** Blocks whose votes certify a commit. A commit that has certifiers keeps them: what comes later for it is left out. */
export interface CertifierWrite {
  readonly index: number
  /**
   * The certifier blocks, each with its bytes. The store keeps them until the commit that they certify is pruned, whether or not a
   * later commit holds them too, and may keep one copy where it does.
   */
  readonly blocks: readonly CertifierBlock[]
}

/** A certifier block, or, where a commit of this or an earlier write holds its bytes, its reference alone. */
export type CertifierBlock = { readonly ref: BlockRef; readonly bytes: Uint8Array | undefined }

/** What goes into the store in one atomic write. */
export interface StoreWrite {
  /** Commits in order, the first following the highest synced commit directly. */
  readonly commits: readonly CommittedSubDag[]
  /** Certifiers of these or of earlier commits. Those of commits pruned meanwhile are left out. */
  readonly certifiers?: readonly CertifierWrite[]
  /** Committees proven or inserted. One that is stored already must be the same. */
  readonly committees?: readonly Committee[]
}

/** Where the store stands. */
export interface Watermarks {
  /** Every commit up to it, from the lowest available one on, is stored whole, with its blocks. Commit 0, the genesis, in an empty store. */
  readonly highestSynced: CommitRef
  /** Below it nothing is there. 1 in a store that was never pruned and began at the genesis; above `highestSynced` in one that has only begun, at a checkpoint. */
  readonly lowestAvailable: number
  /** The highest commit with certifiers in the store; 0 when there is none. Never above `highestSynced`. */
  readonly highestCertifiable: number
}

/**
 * Where a node keeps its chain: the adapter between state sync and a database (the original's `WriteStore`).
 *
 * Reads may run while a write is under way and see the state before it or after it, never between. Every returned byte array belongs to the caller.
 * A read throws `STORAGE_READ_FAILED` when the database cannot read, `STORAGE_CORRUPTED` when what it holds is not what was written, and
 * everything throws `STORAGE_CLOSED` after `close`.
 *
 * The package ships {@link openMemoryStore} and {@link openLevelStore}; `storageConformance` of `soma-p2p/testing` checks an implementation of one's own.
 */
export interface CommitStore {
  /** Watermarks, always at hand. They change only after a write is durable. */
  readonly watermarks: Watermarks

  /**
   * Stores commits, their blocks, certifiers, committees and the new watermark in one atomic, durable write. Writes that come at once queue.
   *
   * After a failure the same write may be tried again. A write that failed while it was being flushed may turn out to be durable after all;
   * then the watermark moves with the next write of anything, and trying it again is no error.
   *
   * @throws {StorageError} `STORAGE_NOT_CONSECUTIVE` when the first commit does not follow the watermark by index and previous digest, or the
   * others each other; `STORAGE_INVALID_ARGUMENT` when its parts do not belong together (blocks that the commit does not name, certifiers that are
   * nowhere, another committee of a known epoch); `STORAGE_WRITE_FAILED` when the database refuses (disk full). The watermark is where it was
   */
  write(write: StoreWrite): Promise<void>

  /**
   * Makes an empty store begin after a commit that it does not hold: in one atomic, durable write that commit becomes the highest synced one, the next the
   * lowest available, and its committee is stored. Everything at or below it is absent, as if pruned, and the chain goes on in the committee's epoch.
   *
   * Beginning where the store has just begun is no error, so that it may be tried again after a failure.
   *
   * @throws {StorageError} `STORAGE_INVALID_ARGUMENT` when there are commits or the store began elsewhere, for an index that is no commit's, and for another committee
   * of a known epoch; `STORAGE_WRITE_FAILED`
   */
  beginAt(checkpoint: TrustedCheckpoint): Promise<void>

  /** The checkpoint that the store began at, or `undefined` where it began at the genesis. */
  getBeginning(): Promise<TrustedCheckpoint | undefined>

  /** The commit of an index, or `undefined` where it is pruned or not yet synced. */
  getCommit(index: number): Promise<TrustedCommit | undefined>

  /** The index of the commit with a digest, or `undefined`. */
  getCommitIndex(digest: Digest): Promise<number | undefined>

  /**
   * Commits from `start` to `end`, both included, in order, one at a time; it ends early at the first that is not there.
   *
   * @throws the signal's reason when it aborts
   */
  readCommits(start: number, end: number, options?: { signal?: AbortSignal }): AsyncIterable<TrustedCommit>

  /** The bytes of signed blocks, in the order asked, `undefined` for each that is not there. Certifier blocks are found as well. */
  getBlocks(refs: readonly BlockRef[]): Promise<(Uint8Array | undefined)[]>

  /** A commit with all its blocks, or `undefined` where it is pruned or not yet synced. */
  getSubDag(index: number): Promise<CommittedSubDag | undefined>

  /** The certifier blocks of a commit, as bytes; empty where the commit is not certifiable. */
  getCertifiers(index: number): Promise<Uint8Array[]>

  /** The highest certifiable commit in `start`..`end`, both included, or `undefined`. */
  highestCertifiableIn(start: number, end: number): Promise<number | undefined>

  /** The committee of an epoch, or `undefined` where it is not known yet. Epoch 0 is the genesis' and always there. */
  getCommittee(epoch: number): Promise<Committee | undefined>

  /**
   * The last commit of an epoch, or `undefined` where that epoch has not ended here: it ends with a commit of the next, or with
   * a write whose last commit is of the epoch and whose committees have the next epoch's. Kept when the commit is pruned.
   */
  getLastCommitOfEpoch(epoch: number): Promise<number | undefined>

  /**
   * Deletes commits below `index` with their blocks and certifiers, and moves the lowest available commit. It never passes the highest
   * synced commit, which is always kept. Idempotent; a crash in the middle leaves a store that opens, with the rest deleted then or by the
   * next call. Cursors do not hold it back: that is the delivery's business.
   *
   * @returns the lowest available commit
   * @throws {StorageError} `STORAGE_INVALID_ARGUMENT` when `index` is not a safe integer; `STORAGE_WRITE_FAILED`
   */
  prune(index: number): Promise<number>

  /** The position of a named cursor: the highest commit that its subscriber has consumed; `undefined` for an unknown name. */
  getCursor(name: string): Promise<number | undefined>

  /**
   * Stores the position of a cursor durably.
   *
   * @param name 1 to 255 bytes of UTF-8
   * @throws {StorageError} `STORAGE_INVALID_ARGUMENT`, `STORAGE_WRITE_FAILED`
   */
  setCursor(name: string, position: number): Promise<void>

  /** Forgets a cursor, so that it holds back pruning no more. */
  deleteCursor(name: string): Promise<void>

  /** All cursors by name. */
  listCursors(): Promise<ReadonlyMap<string, number>>

  /** Small pieces that services keep beside the chain (bans, known peers), by name. */
  getRecord(name: string): Promise<Uint8Array | undefined>

  /**
   * Stores a record durably.
   *
   * @param name 1 to 255 bytes of UTF-8
   * @param value at most 1 MiB
   * @throws {StorageError} `STORAGE_INVALID_ARGUMENT`, `STORAGE_WRITE_FAILED`
   */
  setRecord(name: string, value: Uint8Array): Promise<void>

  /** Waits for the writes under way and closes the database. Idempotent. */
  close(): Promise<void>
}
