import type { AbortOptions, ComponentLogger, PeerId } from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'
import type { CommitRef } from '../consensus/commit-ref.ts'
import type { CommittedSubDag } from '../consensus/committed-sub-dag.ts'
import type { Committee } from '../consensus/committee.ts'
import type { Genesis } from '../consensus/genesis.ts'
import type { TrustedCheckpoint } from '../consensus/trusted-checkpoint.ts'
import type { Peers } from '../peers/peers.ts'
import type { Rpc } from '../rpc/rpc.ts'
import type { Clock } from '../runtime/clock.ts'
import type { HealthRegistry } from '../runtime/health.ts'
import type { Random } from '../runtime/random.ts'
import type { CommitStore } from '../storage/commit-store.ts'
import type { BlockVerifier } from '../verify/block-verifier.ts'
import type { VerifyWork } from '../verify/verify-work.ts'
import type { HandOverMode } from './epoch-gate.ts'
import type { LocalStateHash } from './hand-overs.ts'
import type { ConsensusCommit } from './local-consensus.ts'
import type { RangeState } from './range.ts'
import type { SyncWait } from './sync-wait.ts'

/** What state sync asks of the peers room: who may be asked, and what became of it. */
export type PeerPolicy = Pick<Peers, 'isAvailable' | 'speed' | 'measured' | 'delivered' | 'report' | 'failedDials'>

/** Timing and bounds of state sync. Defaults are those of the seeds. */
export interface StateSyncConfig {
  /** Milliseconds between height queries to a peer. @default 5000 */
  readonly heightQueryIntervalMs: number
  /** Commits of one range, at most 100. @default 100 */
  readonly commitsPerRange: number
  /** Ranges under way at once. @default 8 */
  readonly maxRangesInFlight: number
  /** Ranges that one peer delivers at once. @default 4 */
  readonly maxRangesPerPeer: number
  /** Bytes fetched and not yet stored, for all of the sync. @default 134217728 (128 MiB) */
  readonly maxBytesInFlight: number
  /** Commits that the sync may run ahead of the slowest durable cursor. @default Infinity */
  readonly maxExecutorLead: number
  /** Milliseconds without progress after which the lowest range is taken from its peer, where another has it: long before, that is asked as well. @default 3000 */
  readonly stallMs: number
  /** While local consensus hands in commits, the sync leaves the tip to it for so many milliseconds after each. @default 2000 */
  readonly consensusGraceMs: number
}

export const STATE_SYNC_DEFAULTS: StateSyncConfig = {
  heightQueryIntervalMs: 5_000,
  commitsPerRange: 100,
  maxRangesInFlight: 8,
  maxRangesPerPeer: 4,
  maxBytesInFlight: 128 * 1024 * 1024,
  maxExecutorLead: Number.POSITIVE_INFINITY,
  stallMs: 3_000,
  consensusGraceMs: 2_000
}

/** What state sync is made from, beside the components of its libp2p. */
export interface StateSyncInit {
  readonly genesis: Genesis
  readonly store: CommitStore
  readonly blockVerifier: BlockVerifier
  readonly clock: Clock
  readonly random: Random
  readonly health: HealthRegistry
  /** Called after commits are durable, in order. */
  readonly onStored: (subDags: readonly CommittedSubDag[]) => void
  /** Called after each range's commits were verified. It must be quick, and not throw. @default nobody listens */
  readonly onVerified?: ((work: VerifyWork) => void) | undefined
  /** Called after each write of commits into the store. It must be quick, and not throw. @default nobody listens */
  readonly onWritten?: ((write: WriteRecord) => void) | undefined
  /** How epochs hand over: by the proofs in the chain, or by committees that the executing node inserts. @default 'proof' */
  readonly handOver?: HandOverMode
  /** What the state handed over at the end of an epoch is compared with. @default it is not compared */
  readonly localStateHash?: LocalStateHash | undefined
  /**
   * Nothing that conflicts with it is accepted. {@link applyCheckpoint} is to be called on the store before the service is made. @default none
   */
  readonly checkpoint?: TrustedCheckpoint | undefined
  /** Called when the chain goes on in another epoch, with its committee. @default nobody listens */
  readonly onEpoch?: (committee: Committee) => void
  /** The lowest position of a durable cursor, which bounds how far the sync runs ahead. */
  readonly slowestCursor: () => Promise<number | undefined>
  /** What the executor says of itself, where it does not go on: for the explanation of a sync that waits for it. @default it says nothing */
  readonly executorFailure?: () => string | undefined
  /** Called once if a loop ends by an error of our own: then nothing is synced any more, and the node must not go on half alive. */
  readonly onFailure: (error: Error) => void
  readonly config?: Partial<StateSyncConfig>
}

/** One write of commits into the store, ended: for metrics. */
export interface WriteRecord {
  /** `ok`, or the code of the error: then nothing is stored. */
  readonly result: string
  readonly commits: number
  /** Of these commits and their blocks. */
  readonly bytes: number
  readonly milliseconds: number
}

/** The parts of libp2p that state sync uses. `rpc` and `peers` are the services of those names. */
export interface StateSyncComponents {
  readonly rpc: Rpc
  readonly peers: PeerPolicy
  readonly registrar: Registrar
  readonly logger: ComponentLogger
}

/** One range under way, for people. */
export interface RangeStatus {
  readonly start: number
  readonly end: number
  readonly state: RangeState['name']
  readonly peer: string | undefined
  readonly attempts: number
}

/** One stage of the pipeline, over all ranges under way. */
export interface StageStatus {
  readonly name: 'fetch-commits' | 'verify-commits' | 'fetch-blocks' | 'verify-blocks' | 'assemble' | 'store'
  /** What `queued`, `done` and `failed` count. */
  readonly unit: 'commits' | 'blocks'
  /** Those that entered and have not left: asked for, being worked on, or waiting. Of `assemble`, whole commits that wait for others below them. */
  readonly queued: number
  /** Since the start. What is fetched of two peers is counted twice. */
  readonly done: number
  /** Since the start; of `store`, in writes that failed and were tried again. */
  readonly failed: number
  /**
   * Seconds of work since the start, of all that is done side by side: it may be more than have passed. Of the stages that fetch, seconds that peers were waited for. Waiting for another
   * stage, for room or for an epoch does not count.
   */
  readonly busySeconds: number
}

/** Where the sync stands. */
export interface StateSyncStatus {
  /** The highest commit that is likely to be there: not whatever a single peer claims that did not deliver. */
  readonly highestKnown: number
  readonly bytesInFlight: number
  /** The lowest first. */
  readonly ranges: readonly RangeStatus[]
  /** In the order of the pipeline. */
  readonly stages: readonly StageStatus[]
  /** The highest synced commit's own time, in milliseconds since the Unix epoch; that of the genesis where nothing is synced. `undefined` where the commit is not here. */
  readonly highestSyncedAtMs: number | undefined
  /** Since the start of the node; those handed in by local consensus not counted. */
  readonly synced: { readonly commits: number; readonly blocks: number; readonly bytes: number }
  /** Why the chain does not come on; `undefined` while it does, or while nothing is lacking. */
  readonly waiting: SyncWait | undefined
  readonly halted: Error | undefined
}

/** The libp2p service that keeps the chain up to date. Made by `stateSync()`. */
export interface StateSync {
  /** See `ConsensusInterface.sendCommit`. */
  sendCommit(commit: ConsensusCommit, options?: AbortOptions): Promise<'stored' | 'known'>
  /** See `ConsensusInterface.insertCommittee`. */
  insertCommittee(committee: Committee, lastCommit: CommitRef): Promise<'stored' | 'known' | 'expected'>
  /** Tells when the sync has stored commits that local consensus had not handed in. Returns the way to stop listening. */
  onOvertaken(listener: (highestSynced: CommitRef) => void): () => void
  /** What a connected peer claims, as far as it is believed. */
  heightOf(peer: PeerId): { readonly highest: number; readonly lowest: number } | undefined
  /** Bytes fetched and not yet stored: many while the node catches up, few at the tip. */
  readonly bytesInFlight: number
  status(): StateSyncStatus
}
