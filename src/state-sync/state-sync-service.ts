import type { AbortOptions, Logger, PeerId, Startable } from '@libp2p/interface'
import type { CommitRef } from '../consensus/commit-ref.ts'
import { type CommittedSubDag, subDagBytes } from '../consensus/committed-sub-dag.ts'
import type { Committee } from '../consensus/committee.ts'
import { ByteBudget } from '../runtime/byte-budget.ts'
import { Mailbox } from '../runtime/mailbox.ts'
import { errorCode, toError } from '../runtime/soma-error.ts'
import { TaskGroup } from '../runtime/task-group.ts'
import type { StoreWrite } from '../storage/commit-store.ts'
import { CheckpointGuard } from './checkpoint-guard.ts'
import { CommitAnnouncer } from './commit-announcer.ts'
import { CommitServer } from './commit-server.ts'
import { CommitWriter } from './commit-writer.ts'
import { CommittedTimestamps } from './committed-timestamps.ts'
import { EpochGate } from './epoch-gate.ts'
import { encodeHaltRecord, HALT_RECORD } from './halt-evidence.ts'
import { HandOvers } from './hand-overs.ts'
import { type ConsensusCommit, LocalConsensus } from './local-consensus.ts'
import { PeerHeights } from './peer-heights.ts'
import { PeerQuestions } from './peer-questions.ts'
import * as protocols from './protocols.ts'
import { attemptRange } from './range-attempt.ts'
import { RangeTable } from './range-table.ts'
import { StageTallies } from './stage-tallies.ts'
import {
  STATE_SYNC_DEFAULTS,
  type StateSync,
  type StateSyncComponents,
  type StateSyncInit,
  type StateSyncStatus
} from './state-sync.ts'
import { SyncError } from './sync-error.ts'
import { SyncLoop, type SyncMessage } from './sync-loop.ts'
import { SyncTail } from './sync-tail.ts'

/** Milliseconds between ticks of the loop, as in the original. */
const TICK_MS = 100
/** Messages that may wait for the loop before hints are dropped: facts are as few as connections and attempts. */
const MAX_WAITING_HINTS = 1_024

/** Puts the parts of state sync together, and starts and stops them. */
export class StateSyncService implements StateSync, Startable {
  readonly #init: StateSyncInit
  readonly #components: StateSyncComponents
  readonly #log: Logger
  readonly #mailbox = new Mailbox<SyncMessage>({ capacity: Number.POSITIVE_INFINITY })
  readonly #ranges = new RangeTable()
  readonly #heights: PeerHeights
  readonly #budget: ByteBudget
  readonly #epochs: EpochGate
  readonly #writer: CommitWriter
  readonly #consensus: LocalConsensus
  readonly #timestamps = new CommittedTimestamps()
  readonly #loop: SyncLoop
  readonly #tail: SyncTail
  readonly #tasks: TaskGroup
  readonly #announcer: CommitAnnouncer
  readonly #synced = { commits: 0, blocks: 0, bytes: 0 }
  readonly #stages: StageTallies
  #highestSyncedAtMs: number | undefined
  /** The position of the slowest cursor, where it bounds the sync. */
  #executorPosition = Number.POSITIVE_INFINITY
  /** Why the cursors cannot be read. */
  #cursorFailure: string | undefined
  #topology: string | undefined
  #running: Promise<void> | undefined

  constructor(components: StateSyncComponents, init: StateSyncInit) {
    const { store, blockVerifier, clock, random, health } = init
    const config = { ...STATE_SYNC_DEFAULTS, ...init.config }
    this.#init = init
    this.#components = components
    this.#log = components.logger.forComponent('soma-p2p:state-sync')
    this.#heights = new PeerHeights(() => clock.monotonic())
    this.#budget = new ByteBudget(config.maxBytesInFlight)
    this.#tasks = new TaskGroup((thrown) => this.#fail(thrown))
    this.#stages = new StageTallies(() => clock.monotonic())
    if (store.watermarks.highestSynced.index === 0) this.#highestSyncedAtMs = init.genesis.startTimeMs
    const { handOver = 'proof' } = init
    this.#epochs = new EpochGate({
      store,
      health,
      clock,
      mode: handOver,
      log: this.#log,
      onEpoch: (committee) => {
        this.#log('the chain has come to epoch %d, of %d validators', committee.epoch, committee.validators.length)
        init.onEpoch?.(committee)
      }
    })
    const guard = new CheckpointGuard(init.checkpoint)
    this.#writer = new CommitWriter({
      store,
      epochs: this.#epochs,
      handOvers: new HandOvers({
        store,
        epochs: this.#epochs,
        clock,
        guard,
        localStateHash: init.localStateHash,
        log: this.#log
      }),
      guard,
      write: (write) => this.#write(write),
      onRead: (subDag) => {
        this.#timestamps.add(subDag)
        this.#highestSyncedAtMs = subDag.commit.commit.timestampMs
      },
      onStored: (subDags) => this.#stored(subDags)
    })
    this.#consensus = new LocalConsensus({
      store,
      writer: this.#writer,
      epochs: this.#epochs,
      blockVerifier,
      clock,
      timestamps: this.#timestamps,
      log: this.#log
    })
    this.#tail = new SyncTail({
      ranges: this.#ranges,
      budget: this.#budget,
      writer: this.#writer,
      clock,
      health,
      stages: this.#stages,
      highestSynced: () => store.watermarks.highestSynced.index,
      assemble: (complete) => this.#timestamps.assemble(complete),
      onSynced: (commits) => this.#countSynced(commits.map(({ subDag }) => subDag))
    })
    this.#announcer = new CommitAnnouncer({
      rpc: components.rpc,
      store,
      heights: this.#heights,
      tasks: this.#tasks,
      isAvailable: (peer) => components.peers.isAvailable(peer),
      onFailure: (peer, thrown) => this.#reportPeer(peer, thrown)
    })
    const questions = new PeerQuestions({
      chainId: init.genesis.chainId,
      rpc: components.rpc,
      clock,
      tasks: this.#tasks,
      onChecked: (peer) => void this.#mailbox.post({ type: 'chain-checked', peer }),
      onHeight: (peer, highest, lowest) => this.#hint({ type: 'height', peer, highest, lowest }),
      onFailure: (peer, thrown) => {
        this.#loop.failedToAnswer(peer, `${errorCode(thrown)}: ${toError(thrown).message}`)
        this.#reportPeer(peer, thrown)
      }
    })
    this.#loop = new SyncLoop({
      mailbox: this.#mailbox,
      ranges: this.#ranges,
      heights: this.#heights,
      peers: components.peers,
      tasks: this.#tasks,
      budget: this.#budget,
      clock,
      random,
      health,
      config,
      log: this.#log,
      attempt: (range, by) =>
        attemptRange(
          {
            rpc: components.rpc,
            store,
            blockVerifier,
            epochs: this.#epochs,
            guard,
            budget: this.#budget,
            stages: this.#stages,
            onVerified: init.onVerified,
            isLowest: (other) => this.#ranges.lowest === other,
            onProgress: () => this.#tail.wake()
          },
          range,
          by
        ),
      greet: (peer) => questions.greet(peer),
      queryHeight: (peer) => questions.queryHeight(peer),
      onHalt: (error) => this.#tasks.run(() => this.#halt(error)),
      announce: () => this.#announcer.announce(),
      takenUpTo: () => this.#tail.takenUpTo,
      highestSynced: () => store.watermarks.highestSynced.index,
      executor: () => ({ position: this.#executorPosition, failure: init.executorFailure?.() }),
      isLeftToConsensus: () => this.#consensus.isActive(config.consensusGraceMs),
      awaitedCommittee: () => this.#epochs.awaited,
      storeFailure: () => {
        const storage = health.get('storage')
        return storage.state === 'ok' ? this.#cursorFailure : storage.reason
      }
    })
    this.#registerHandlers()
  }

  async start(): Promise<void> {
    if (this.#running !== undefined) return
    if (this.#tasks.signal.aborted) throw new SyncError('SYNC_STOPPED', 'a stopped state sync is not started again')
    await this.#writer.open()
    this.#running = this.#run()
    this.#topology = await this.#components.registrar.register(
      this.#components.rpc.protocolId(protocols.fetchCommits),
      {
        onConnect: (peer) => void this.#mailbox.post({ type: 'peer-connected', peer }),
        onDisconnect: (peer) => void this.#mailbox.post({ type: 'peer-disconnected', peer })
      }
    )
  }

  async stop(): Promise<void> {
    if (this.#topology !== undefined) this.#components.registrar.unregister(this.#topology)
    this.#topology = undefined
    this.#mailbox.close()
    await this.#tasks.stop(new SyncError('SYNC_STOPPED', 'the node is stopping'))
    await this.#running
  }

  async sendCommit(commit: ConsensusCommit, options?: AbortOptions): Promise<'stored' | 'known'> {
    return await this.#consensus.sendCommit(commit, options)
  }

  async insertCommittee(committee: Committee, lastCommit: CommitRef): Promise<'stored' | 'known' | 'expected'> {
    try {
      return await this.#writer.insertCommittee(committee, lastCommit)
    } catch (thrown) {
      if (thrown instanceof SyncError && thrown.code === 'SYNC_COMMITTEE_CONFLICT') await this.#halt(thrown)
      throw thrown
    }
  }

  onOvertaken(listener: (highestSynced: CommitRef) => void): () => void {
    return this.#consensus.onOvertaken(listener)
  }

  heightOf(peer: PeerId): { readonly highest: number; readonly lowest: number } | undefined {
    return this.#heights.get(peer)
  }

  get bytesInFlight(): number {
    return this.#budget.held
  }

  status(): StateSyncStatus {
    return {
      highestKnown: this.#heights.highestKnown(this.#init.store.watermarks.highestSynced.index),
      bytesInFlight: this.bytesInFlight,
      ranges: this.#ranges.ranges.map(({ next, end, state, peer, attempts }) => ({
        start: next,
        end,
        state: state.name,
        peer: peer?.toString(),
        attempts
      })),
      stages: this.#stages.status(this.#readyCommits()),
      highestSyncedAtMs: this.#highestSyncedAtMs,
      synced: { ...this.#synced },
      waiting: this.#loop.waiting,
      halted: this.#loop.halted
    }
  }

  /** Commits of whole ranges, which wait for the ranges below. */
  #readyCommits(): number {
    let count = 0
    for (const { state, next, end } of this.#ranges.ranges) if (state.name === 'ready') count += end - next + 1
    return count
  }

  async #run(): Promise<void> {
    this.#tasks.run((signal) => this.#tick(signal))
    this.#tasks.run(async (signal) => {
      try {
        await this.#tail.run(signal)
      } catch (thrown) {
        if (!(thrown instanceof SyncError)) throw thrown
        await this.#halt(thrown)
      }
    })
    try {
      await this.#loop.run()
    } catch (thrown) {
      this.#fail(thrown)
    }
  }

  async #tick(signal: AbortSignal): Promise<void> {
    const { clock } = this.#init
    const lead = this.#init.config?.maxExecutorLead ?? STATE_SYNC_DEFAULTS.maxExecutorLead
    while (!signal.aborted) {
      if (Number.isFinite(lead)) this.#executorPosition = await this.#slowestCursor()
      this.#hint({ type: 'tick' })
      await clock.sleep(TICK_MS, { signal })
    }
  }

  /** The position of the slowest cursor. Where it cannot be read, the sync waits where it is: the store is tried again at the next tick. */
  async #slowestCursor(): Promise<number> {
    const highestSynced = this.#init.store.watermarks.highestSynced.index
    try {
      const slowest = await this.#init.slowestCursor()
      this.#cursorFailure = undefined
      return slowest ?? highestSynced
    } catch (thrown) {
      const why = toError(thrown).message
      if (this.#cursorFailure === undefined) this.#log.error('the cursors cannot be read: %s', why)
      this.#cursorFailure = `the cursors cannot be read: ${why}`
      return Math.min(highestSynced, this.#executorPosition)
    }
  }

  #registerHandlers(): void {
    const { rpc } = this.#components
    const server = new CommitServer(this.#init)
    rpc.handle(protocols.getCommitAvailability, () => server.availability())
    rpc.handle(protocols.getCommitInfo, (request) => server.commitInfo(request))
    rpc.handle(protocols.fetchCommits, (request, { signal }) => server.fetchCommits(request, signal))
    rpc.handle(protocols.fetchBlocks, (request, { signal }) => server.fetchBlocks(request, signal))
    rpc.handle(protocols.pushCommit, async ({ commit, lowestAvailable }, { peer }) => {
      this.#hint({ type: 'pushed', peer, index: commit.index, lowest: lowestAvailable })
      return {}
    })
  }

  /** Tells the loop what it would learn later anyway. There is always room for facts: a lost end of an attempt would never come again. */
  #hint(message: SyncMessage): void {
    if (this.#mailbox.size < MAX_WAITING_HINTS) this.#mailbox.post(message)
  }

  #reportPeer(peer: PeerId, thrown: unknown): void {
    this.#log('%p: %s', peer, errorCode(thrown))
    const isWrongChain = errorCode(thrown) === 'SYNC_WRONG_CHAIN'
    this.#components.peers.report(peer, thrown, isWrongChain ? { consequence: 'ban', during: 'chain check' } : {})
  }

  async #write(write: StoreWrite): Promise<void> {
    const { store, clock, onWritten } = this.#init
    const begun = clock.monotonic()
    let result = 'ok'
    try {
      await store.write(write)
    } catch (thrown) {
      result = errorCode(thrown)
      throw thrown
    } finally {
      onWritten?.({
        result,
        commits: write.commits.length,
        bytes: write.commits.reduce((sum, subDag) => sum + subDagBytes(subDag), 0),
        milliseconds: clock.monotonic() - begun
      })
    }
  }

  #stored(subDags: readonly CommittedSubDag[]): void {
    this.#init.onStored(subDags)
    this.#highestSyncedAtMs = subDags.at(-1)?.commit.commit.timestampMs ?? this.#highestSyncedAtMs
    this.#tail.wake() // what local consensus stored may be just what a ready range waited for
    this.#consensus.stored(this.#init.store.watermarks.highestSynced)
    this.#hint({ type: 'stored' })
  }

  #countSynced(subDags: readonly CommittedSubDag[]): void {
    for (const subDag of subDags) {
      this.#synced.commits += 1
      this.#synced.blocks += subDag.blocks.length
      this.#synced.bytes += subDagBytes(subDag)
    }
  }

  /** Stops the sync for good, with the evidence kept for the operator. */
  async #halt(error: SyncError): Promise<void> {
    if (this.#loop.halted !== undefined) return
    this.#loop.halt(error)
    const first = error.evidence?.commits[0]?.ref.index ?? 0
    const range = this.#ranges.ranges.find(({ start, end }) => start <= first && first <= end) ?? this.#ranges.lowest
    const record = encodeHaltRecord(error, error.evidence ?? range?.certified, {
      atMs: this.#init.clock.now(),
      highestSynced: this.#init.store.watermarks.highestSynced,
      peer: error.evidence?.peer ?? range?.lastPeer
    })
    try {
      await this.#init.store.setRecord(HALT_RECORD, record)
    } catch (thrown) {
      this.#log.error('the evidence of the halt could not be stored: %s', toError(thrown).message)
    }
  }

  #fail(thrown: unknown): void {
    const error = toError(thrown)
    this.#log.error('a loop has failed: %s', error.stack ?? error.message)
    this.#init.health.set('state-sync', { state: 'failed', reason: error.message })
    this.#init.onFailure(error)
  }
}
