import type { AbortOptions } from '@libp2p/interface'
import type { CommitRef } from '../../src/consensus/commit-ref.ts'
import type { CommittedSubDag } from '../../src/consensus/committed-sub-dag.ts'
import type { Committee } from '../../src/consensus/committee.ts'
import type { Digest } from '../../src/consensus/digest.ts'
import type { Genesis } from '../../src/consensus/genesis.ts'
import type { ByteLevel } from '../../src/storage/database.ts'
import type { Account } from './account.ts'
import type { EpochEnds } from './epoch-end.ts'
import type { LedgerPosition, TransactionKind } from './ledger-position.ts'
import { LevelLedger } from './level-ledger.ts'
import type { TransactionCounts } from './transaction-execution.ts'
import type { TransferEffects } from './transfer-effects.ts'

/** What a ledger is opened for. */
export interface LedgerOptions {
  readonly genesis: Genesis
  /** What blocks carry: bytes that nobody reads, or certified transactions whose payloads are transfers (see `transfer.ts`). @default 'opaque' */
  readonly transactions?: TransactionKind | undefined
  /**
   * Where epochs end, and who comes next: for chains whose commits do not prove it. Whoever executes them tells the node: see `getHandOver`.
   *
   * @default what the commits prove
   */
  readonly epochEnds?: EpochEnds | undefined
  /** A database of the ledger's own, in place of one in the directory. @default on disk */
  readonly level?: ByteLevel | undefined
}

/** The change of epoch at an epoch's last commit. */
export interface EpochHandOver {
  readonly lastCommit: CommitRef
  /** Of the epoch that begins. */
  readonly nextCommittee: Committee
}

/** What executing one commit did. */
export interface ExecutedCommit extends TransactionCounts {
  readonly index: number
  /** The state after it. */
  readonly stateDigest: Digest
  /** The change of epoch, with the last commit of one. */
  readonly handOver: EpochHandOver | undefined
}

/**
 * A small ledger: the example of an executor's own database.
 *
 * It executes each transaction once, however many blocks, commits or epochs bring it, and changes its epoch at the last commit of each. The effects of a commit
 * and the position behind it are one atomic, durable write, so that whatever kills the process, each commit is executed exactly once.
 *
 * What an epoch hands over is the state after the commit before its last: the ledger executes no last commit that hands over another one than its own.
 */
export interface Ledger extends Omit<LedgerPosition, 'chainId' | 'kind'> {
  /**
   * Executes commits in order, the first following the one executed last, in one write. Calls queue behind each other.
   *
   * @throws {LedgerError} `LEDGER_GAP`, `LEDGER_OTHER_CHAIN`, `LEDGER_WRONG_EPOCH`, `LEDGER_STATE_DIVERGED` for a commit that is refused: those before it are executed,
   * and `onExecuted` was told; `LEDGER_READ_FAILED`; `LEDGER_WRITE_FAILED`, and then see `recover`
   */
  execute(subDags: readonly CommittedSubDag[], options?: ExecuteOptions): Promise<ExecutedCommit[]>
  /**
   * To be called after a failed write, before what is to be executed next is chosen: the disk may have kept what it refused, and then those commits are executed.
   * `execute` does it too.
   *
   * @throws {LedgerError} `LEDGER_WRITE_FAILED` when the database cannot be written to yet
   */
  recover(): Promise<void>
  /** The state after the commit of an index, or `undefined` where that is not executed. That of the genesis for 0. */
  getStateDigest(index: number): Promise<Digest | undefined>
  /**
   * The same, waiting until the commit is executed: consensus hands an epoch over with it.
   *
   * @throws {LedgerError} `LEDGER_CLOSED` when the ledger closes before
   * @throws the signal's reason
   */
  stateAfter(index: number, options?: AbortOptions): Promise<Digest>
  /**
   * The change of epoch at the end of an epoch, once executed, where the ledger alone knows of it (`epochEnds`): a node that lacks it needs it again. Else
   * `undefined`.
   */
  getHandOver(epoch: number): Promise<EpochHandOver | undefined>
  /** What became of a certified transaction, by its digest (`transactionDigest`), or `undefined` where it is not executed. */
  getEffects(transaction: Digest): Promise<TransferEffects | undefined>
  /** The account of an Ed25519 public key: every key has one. */
  getAccount(key: Uint8Array): Promise<Account>
  /** The version of a shared object; 0 before its first transaction. */
  getVersion(object: Uint8Array): Promise<number>
  /** Waits for the execution under way and closes the database. Idempotent. */
  close(): Promise<void>
}

export interface ExecuteOptions {
  /** Called for each commit whose effects are durable, in order. */
  readonly onExecuted?: ((commit: ExecutedCommit) => void) | undefined
}

/**
 * Opens the ledger of a directory, which is made when it is not there.
 *
 * @throws {LedgerError} `LEDGER_LOCKED`, `LEDGER_OPEN_FAILED`, `LEDGER_CORRUPTED`, `LEDGER_OTHER_CHAIN`, `LEDGER_OTHER_TRANSACTIONS`,
 * `LEDGER_WRONG_VERSION`
 */
export function openLedger(directory: string, options: LedgerOptions): Promise<Ledger> {
  return LevelLedger.open({ ...options, directory })
}
