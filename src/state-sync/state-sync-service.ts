import type { AbortOptions, Logger, PeerId, Startable } from '@libp2p/interface'
import type { CommitRef } from '../consensus/commit-ref.ts'
import type { Committee } from '../consensus/committee.ts'
import { toError } from '../runtime/soma-error.ts'
import { CommitServer } from './commit-server.ts'
import { encodeHaltRecord, HALT_RECORD } from './halt-evidence.ts'
import type { ConsensusCommit } from './local-consensus.ts'
import { fetchCommits } from './protocols.ts'
import { serveCommits } from './serve-commits.ts'
import {
  STATE_SYNC_DEFAULTS,
  type StateSync,
  type StateSyncComponents,
  type StateSyncInit,
  type StateSyncStatus
} from './state-sync.ts'
import { createStateSyncParts, type StateSyncParts } from './state-sync-parts.ts'
import { SyncError } from './sync-error.ts'

/** Milliseconds between ticks of the loop, as in the original. */
const TICK_MS = 100

/** The life of state sync: its loops are started and stopped, halted, and asked how they are. */
export class StateSyncService implements StateSync, Startable {
  readonly #init: StateSyncInit
  readonly #components: StateSyncComponents
  readonly #log: Logger
  readonly #parts: StateSyncParts
  #topology: string | undefined
  #running: Promise<void> | undefined

  constructor(components: StateSyncComponents, init: StateSyncInit) {
    this.#init = init
    this.#components = components
    this.#log = components.logger.forComponent('soma-p2p:state-sync')
    this.#parts = createStateSyncParts({
      ...init,
      components,
      log: this.#log,
      onTaskFailed: (thrown) => this.#fail(thrown),
      onHalt: (error) => this.#halt(error)
    })
    const { mailbox } = this.#parts
    serveCommits(components.rpc, new CommitServer(init), (peer, { commit, lowestAvailable }) =>
      mailbox.hint({ type: 'pushed', peer, index: commit.index, lowest: lowestAvailable })
    )
  }

  async start(): Promise<void> {
    if (this.#running !== undefined) return
    const { mailbox, tasks, writer } = this.#parts
    if (tasks.signal.aborted) throw new SyncError('SYNC_STOPPED', 'a stopped state sync is not started again')
    await writer.open()
    this.#running = this.#run()
    const { registrar, rpc } = this.#components
    this.#topology = await registrar.register(rpc.protocolId(fetchCommits), {
      onConnect: (peer) => void mailbox.post({ type: 'peer-connected', peer }),
      onDisconnect: (peer) => void mailbox.post({ type: 'peer-disconnected', peer })
    })
  }

  async stop(): Promise<void> {
    if (this.#topology !== undefined) this.#components.registrar.unregister(this.#topology)
    this.#topology = undefined
    this.#parts.mailbox.close()
    await this.#parts.tasks.stop(new SyncError('SYNC_STOPPED', 'the node is stopping'))
    await this.#running
  }

  async sendCommit(commit: ConsensusCommit, options?: AbortOptions): Promise<'stored' | 'known'> {
    return await this.#parts.consensus.sendCommit(commit, options)
  }

  async insertCommittee(committee: Committee, lastCommit: CommitRef): Promise<'stored' | 'known' | 'expected'> {
    try {
      return await this.#parts.writer.insertCommittee(committee, lastCommit)
    } catch (thrown) {
      if (thrown instanceof SyncError && thrown.code === 'SYNC_COMMITTEE_CONFLICT') await this.#halt(thrown)
      throw thrown
    }
  }

  onOvertaken(listener: (highestSynced: CommitRef) => void): () => void {
    return this.#parts.consensus.onOvertaken(listener)
  }

  heightOf(peer: PeerId): { readonly highest: number; readonly lowest: number } | undefined {
    return this.#parts.heights.get(peer)
  }

  get bytesInFlight(): number {
    return this.#parts.budget.held
  }

  status(): StateSyncStatus {
    const { heights, ranges, stages, synced, loop } = this.#parts
    return {
      highestKnown: heights.highestKnown(this.#init.store.watermarks.highestSynced.index),
      bytesInFlight: this.bytesInFlight,
      ranges: ranges.ranges.map(({ next, end, state, peer, attempts }) => ({
        start: next,
        end,
        state: state.name,
        peer: peer?.toString(),
        attempts
      })),
      stages: stages.status(this.#readyCommits()),
      highestSyncedAtMs: synced.highestAtMs,
      synced: synced.status,
      waiting: loop.waiting,
      halted: loop.halted
    }
  }

  /** Commits of whole ranges, which wait for the ranges below. */
  #readyCommits(): number {
    let count = 0
    for (const { state, next, end } of this.#parts.ranges.ranges) if (state.name === 'ready') count += end - next + 1
    return count
  }

  async #run(): Promise<void> {
    const { tasks, tail, loop } = this.#parts
    tasks.run((signal) => this.#tick(signal))
    tasks.run(async (signal) => {
      try {
        await tail.run(signal)
      } catch (thrown) {
        if (!(thrown instanceof SyncError)) throw thrown
        await this.#halt(thrown)
      }
    })
    try {
      await loop.run()
    } catch (thrown) {
      this.#fail(thrown)
    }
  }

  async #tick(signal: AbortSignal): Promise<void> {
    const { mailbox, executor } = this.#parts
    const lead = this.#init.config?.maxExecutorLead ?? STATE_SYNC_DEFAULTS.maxExecutorLead
    while (!signal.aborted) {
      if (Number.isFinite(lead)) await executor.look()
      mailbox.hint({ type: 'tick' })
      await this.#init.clock.sleep(TICK_MS, { signal })
    }
  }

  /** Stops the sync for good, with the evidence kept for the operator. */
  async #halt(error: SyncError): Promise<void> {
    const { loop, ranges } = this.#parts
    if (loop.halted !== undefined) return
    loop.halt(error)
    const { store, clock } = this.#init
    const first = error.evidence?.commits[0]?.ref.index ?? 0
    const range = ranges.ranges.find(({ start, end }) => start <= first && first <= end) ?? ranges.lowest
    const record = encodeHaltRecord(error, error.evidence ?? range?.certified, {
      atMs: clock.now(),
      highestSynced: store.watermarks.highestSynced,
      peer: error.evidence?.peer ?? range?.lastPeer
    })
    try {
      await store.setRecord(HALT_RECORD, record)
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
