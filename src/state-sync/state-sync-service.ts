import type { AbortOptions, Logger, PeerId, Startable } from '@libp2p/interface'
import { blockRefKey } from '../consensus/block-ref.ts'
import type { CommitRef } from '../consensus/commit-ref.ts'
import { type CommittedSubDag, subDagBytes } from '../consensus/committed-sub-dag.ts'
import { ByteBudget } from '../runtime/byte-budget.ts'
import { bytesEqual, toHex } from '../runtime/hex.ts'
import { Mailbox } from '../runtime/mailbox.ts'
import { errorCode, SomaError, toError } from '../runtime/soma-error.ts'
import { TaskGroup } from '../runtime/task-group.ts'
import { CommitAnnouncer } from './commit-announcer.ts'
import { CommitServer } from './commit-server.ts'
import { CommitWriter } from './commit-writer.ts'
import { CommittedTimestamps } from './committed-timestamps.ts'
import { type ConsensusCommit, LocalConsensus } from './local-consensus.ts'
import { PeerHeights } from './peer-heights.ts'
import * as protocols from './protocols.ts'
import { attemptRange } from './range-attempt.ts'
import { RangeTable } from './range-table.ts'
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
/** The record under which the evidence of a halt is kept. */
export const HALT_RECORD = 'state-sync/halt'

/** Puts the parts of state sync together, and starts and stops them. */
export class StateSyncService implements StateSync, Startable {
  readonly #init: StateSyncInit
  readonly #components: StateSyncComponents
  readonly #log: Logger
  readonly #mailbox = new Mailbox<SyncMessage>()
  readonly #ranges = new RangeTable()
  readonly #heights: PeerHeights
  readonly #budget: ByteBudget
  readonly #writer: CommitWriter
  readonly #consensus: LocalConsensus
  readonly #timestamps = new CommittedTimestamps()
  readonly #loop: SyncLoop
  readonly #tail: SyncTail
  readonly #tasks: TaskGroup
  readonly #announcer: CommitAnnouncer
  readonly #synced = { commits: 0, blocks: 0, bytes: 0 }
  #ceiling = Number.POSITIVE_INFINITY
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
    this.#writer = new CommitWriter({ store, onStored: (subDags) => this.#stored(subDags) })
    this.#consensus = new LocalConsensus({ store, writer: this.#writer, blockVerifier, clock })
    this.#tail = new SyncTail({
      ranges: this.#ranges,
      budget: this.#budget,
      writer: this.#writer,
      clock,
      health,
      highestSynced: () => store.watermarks.highestSynced.index,
      assemble: (complete) => this.#timestamps.assemble(complete),
      onSynced: (commits) => this.#countSynced(commits.map(({ subDag }) => subDag))
    })
    this.#announcer = new CommitAnnouncer({
      rpc: components.rpc,
      store,
      heights: this.#heights,
      tasks: this.#tasks,
      onFailure: (peer, thrown) => this.#reportPeer(peer, thrown)
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
      attempt: (range, peer, signal) =>
        attemptRange(
          {
            rpc: components.rpc,
            store,
            blockVerifier,
            budget: this.#budget,
            isLowest: (other) => this.#ranges.lowest === other,
            onProgress: (other, bytes) => {
              this.#loop.progressed(other, bytes)
              this.#tail.wake()
            }
          },
          range,
          peer,
          signal
        ),
      greet: (peer) => this.#ask(peer, (signal) => this.#greet(peer, signal)),
      queryHeight: (peer) => this.#ask(peer, (signal) => this.#queryHeight(peer, signal)),
      announce: () => this.#announcer.announce(),
      takenUpTo: () => this.#tail.takenUpTo,
      ceiling: () => this.#ceiling,
      isLeftToConsensus: () => this.#consensus.isActive(config.consensusGraceMs)
    })
    this.#registerHandlers()
  }

  async start(): Promise<void> {
    if (this.#running !== undefined) return
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

  onOvertaken(listener: (highestSynced: CommitRef) => void): () => void {
    return this.#consensus.onOvertaken(listener)
  }

  heightOf(peer: PeerId): { readonly highest: number; readonly lowest: number } | undefined {
    return this.#heights.get(peer)
  }

  status(): StateSyncStatus {
    return {
      highestKnown: this.#heights.highestKnown,
      bytesInFlight: this.#budget.held,
      ranges: this.#ranges.ranges.map(({ next, end, state, peer, attempts }) => ({
        start: next,
        end,
        state: state.name,
        peer: peer?.toString(),
        attempts
      })),
      synced: { ...this.#synced },
      halted: this.#loop.halted
    }
  }

  async #run(): Promise<void> {
    this.#tasks.run((signal) => this.#tick(signal))
    this.#tasks.run(async (signal) => {
      try {
        await this.#tail.run(signal)
      } catch (thrown) {
        await this.#halt(toError(thrown))
      }
    })
    await this.#loop.run()
  }

  async #tick(signal: AbortSignal): Promise<void> {
    const { clock, store } = this.#init
    const lead = this.#init.config?.maxExecutorLead ?? STATE_SYNC_DEFAULTS.maxExecutorLead
    while (!signal.aborted) {
      if (Number.isFinite(lead))
        this.#ceiling = ((await this.#init.slowestCursor()) ?? store.watermarks.highestSynced.index) + lead
      this.#mailbox.post({ type: 'tick' })
      await clock.sleep(TICK_MS, { signal })
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
      this.#mailbox.post({ type: 'pushed', peer, index: commit.index, lowest: lowestAvailable })
      return {}
    })
  }

  /** Runs a small question to a peer beside the loop; its failure is the peer's. */
  #ask(peer: PeerId, question: (signal: AbortSignal) => Promise<void>): void {
    this.#tasks.run(async (signal) => {
      try {
        await question(signal)
      } catch (thrown) {
        if (!signal.aborted) this.#reportPeer(peer, thrown)
      }
    })
  }

  /** The chain check: commit 0 is the genesis, so that a peer of another chain is found out before it is asked for anything. */
  async #greet(peer: PeerId, signal: AbortSignal): Promise<void> {
    const question = { latest: undefined, index: 0, digest: undefined }
    const { commit } = await this.#components.rpc.call(peer, protocols.getCommitInfo, question, { signal })
    if (commit.index !== 0 || !bytesEqual(commit.digest, this.#init.genesis.chainId)) {
      throw new SyncError('SYNC_WRONG_CHAIN', `its genesis is ${toHex(commit.digest)}`)
    }
    await this.#queryHeight(peer, signal)
  }

  async #queryHeight(peer: PeerId, signal: AbortSignal): Promise<void> {
    const question = { timestampMs: this.#init.clock.now() }
    const answer = await this.#components.rpc.call(peer, protocols.getCommitAvailability, question, { signal })
    this.#mailbox.post({ type: 'height', peer, highest: answer.highestCertifiable, lowest: answer.lowestAvailable })
  }

  #reportPeer(peer: PeerId, thrown: unknown): void {
    this.#log('%p: %s', peer, errorCode(thrown))
    const isWrongChain = errorCode(thrown) === 'SYNC_WRONG_CHAIN'
    this.#components.peers.report(peer, thrown, isWrongChain ? { consequence: 'ban', during: 'chain check' } : {})
  }

  #stored(subDags: readonly CommittedSubDag[]): void {
    for (const subDag of subDags) this.#timestamps.add(subDag)
    this.#init.onStored(subDags)
    this.#consensus.stored(this.#init.store.watermarks.highestSynced)
    this.#mailbox.post({ type: 'stored' })
  }

  #countSynced(subDags: readonly CommittedSubDag[]): void {
    for (const subDag of subDags) {
      this.#synced.commits += 1
      this.#synced.blocks += subDag.blocks.length
      this.#synced.bytes += subDagBytes(subDag)
    }
  }

  /** Stops the sync for good, with the evidence kept for the operator. */
  async #halt(error: Error): Promise<void> {
    this.#loop.halt(error)
    const lowest = this.#ranges.lowest
    const evidence = {
      code: errorCode(error),
      message: error.message,
      atMs: this.#init.clock.now(),
      highestSynced: this.#init.store.watermarks.highestSynced.index,
      peer: lowest?.lastPeer?.toString(),
      commits: lowest?.certified?.commits.map(({ bytes }) => toHex(bytes)),
      certifiers: lowest?.certified?.certifiers.map(({ ref }) => blockRefKey(ref))
    }
    const record = new TextEncoder().encode(JSON.stringify(evidence)).subarray(0, 1024 * 1024)
    try {
      await this.#init.store.setRecord(HALT_RECORD, record)
    } catch (thrown) {
      this.#log.error('the evidence of the halt could not be stored: %s', toError(thrown).message)
    }
  }

  #fail(thrown: unknown): void {
    const error = toError(thrown)
    this.#log.error('a task failed: %s', error.stack ?? error.message)
    if (error instanceof SomaError) return
    this.#init.health.set('state-sync', { state: 'failed', reason: `a defect: ${error.message}` })
  }
}
