import type { PeerId } from '@libp2p/interface'
import type { CommitRef } from '../consensus/commit-ref.ts'
import type { Committee } from '../consensus/committee.ts'
import type { TrustedCheckpoint } from '../consensus/trusted-checkpoint.ts'
import type { Rpc } from '../rpc/rpc.ts'
import { ByteBudget } from '../runtime/byte-budget.ts'
import { type Clock, systemClock } from '../runtime/clock.ts'
import { HealthRegistry } from '../runtime/health.ts'
import type { CommitStore } from '../storage/commit-store.ts'
import type { BlockVerifier } from '../verify/block-verifier.ts'
import type { CertifiedSubDag } from './certified-sub-dag.ts'
import { CheckpointGuard } from './checkpoint-guard.ts'
import { CommitWriter } from './commit-writer.ts'
import { CommittedTimestamps } from './committed-timestamps.ts'
import { EpochGate, type HandOverMode } from './epoch-gate.ts'
import { HandOvers } from './hand-overs.ts'
import { Pace } from './pace.ts'
import { attemptRange } from './range-attempt.ts'
import { RangeTable } from './range-table.ts'
import { StageTallies } from './stage-tallies.ts'

/** Bytes that are read and not yet stored, but for what the lowest commit needs. */
const MAX_BYTES_IN_FLIGHT: number = 64 * 1024 * 1024
/** One durable write, as in the sync. */
const MAX_RUN_BYTES: number = 4 * 1024 * 1024
const MAX_RUN_COMMITS = 256

/** What answers as a peer would, and is none: a file, another store. */
export type CommitSource = Pick<Rpc, 'stream'>

export interface ChainIntakeInit {
  readonly store: CommitStore
  readonly blockVerifier: BlockVerifier
  /** How epochs hand over. @default 'proof' */
  readonly handOver?: HandOverMode | undefined
  /** Nothing that conflicts with it is taken. @default none */
  readonly checkpoint?: TrustedCheckpoint | undefined
  /** @default the machine's */
  readonly clock?: Clock
  /** Called when commits are durable. */
  readonly onStored?: ((commits: readonly CertifiedSubDag[]) => void) | undefined
}

/**
 * Takes ranges of commits from a source that is no peer: through the very stages of a sync, and through the one writer, so that nothing comes into the store that a
 * sync would refuse. One range at a time, in order.
 */
export class ChainIntake {
  readonly #init: ChainIntakeInit
  readonly #clock: Clock
  readonly #timestamps = new CommittedTimestamps()
  readonly #epochs: EpochGate
  readonly #guard: CheckpointGuard
  readonly #writer: CommitWriter
  /** Stands for the source where a peer is asked for. */
  readonly #self: PeerId

  constructor(init: ChainIntakeInit, self: PeerId) {
    const { store, handOver = 'proof', checkpoint, clock = systemClock } = init
    const log = Object.assign(() => {}, { error: () => {}, trace: () => {}, enabled: false, newScope: () => log })
    this.#init = init
    this.#clock = clock
    this.#self = self
    this.#guard = new CheckpointGuard(checkpoint)
    this.#epochs = new EpochGate({ store, mode: handOver, health: new HealthRegistry(), clock, log, onEpoch() {} })
    this.#writer = new CommitWriter({
      store,
      epochs: this.#epochs,
      handOvers: new HandOvers({ store, epochs: this.#epochs, clock, log, guard: this.#guard }),
      guard: this.#guard,
      onRead: (subDag) => this.#timestamps.add(subDag),
      onStored() {}
    })
  }

  /** Reads where the store stands. */
  async open(): Promise<void> {
    await this.#writer.open()
  }

  /** Opens the next epoch, where epochs do not prove who comes next: see `CommitWriter.insertCommittee`. */
  async insertCommittee(committee: Committee, lastCommit: CommitRef): Promise<void> {
    await this.#writer.insertCommittee(committee, lastCommit)
  }

  /**
   * Fetches, verifies and stores one range. The good beginning of a range that fails is stored.
   *
   * @param start at most the commit after the highest synced one
   * @param end at most 99 above it. The source may have less
   * @returns the last commit taken
   * @throws what the sync would blame a peer for, or halt for; what the source throws; {@link StorageError}; the signal's reason
   */
  async take(start: number, end: number, source: CommitSource, signal: AbortSignal): Promise<number> {
    const { store, blockVerifier } = this.#init
    const ranges = new RangeTable()
    const limits = { commitsPerRange: end - start + 1, maxRanges: 1, ceiling: end }
    const range = ranges.plan(start - 1, end, limits)
    if (range === undefined) throw new RangeError(`commits ${start} to ${end}`)
    range.ask(this.#self, this.#clock.monotonic())
    let next = start
    let isIdle = true
    let wake = (): void => {}
    const failed = new AbortController()
    const budget = new ByteBudget(MAX_BYTES_IN_FLIGHT)
    const init = {
      rpc: source,
      store,
      blockVerifier,
      epochs: this.#epochs,
      guard: this.#guard,
      budget,
      stages: new StageTallies(() => this.#clock.monotonic()),
      isLowest: () => isIdle, // there is nothing to wait for but what is still to be read
      onProgress: () => wake()
    }
    const attempt = { error: undefined as unknown, hasEnded: false, hasFailed: false }
    const attempting = attemptRange(init, range, {
      peer: this.#self,
      end,
      pace: new Pace(() => this.#clock.monotonic()),
      signal: AbortSignal.any([signal, failed.signal]),
      onServed() {}
    })
      .catch((thrown: unknown) => {
        attempt.error = thrown
        attempt.hasFailed = true
      })
      .finally(() => {
        attempt.hasEnded = true
        wake()
      })
    try {
      for (;;) {
        signal.throwIfAborted()
        const { hasEnded } = attempt
        const { commits } = ranges.take(next, MAX_RUN_COMMITS, MAX_RUN_BYTES)
        isIdle = commits.length === 0
        if (!isIdle) {
          await this.#append(commits.map((complete) => ({ ...complete, subDag: this.#timestamps.assemble(complete) })))
          next += commits.length
          budget.release(commits.reduce((sum, { budgetBytes }) => sum + budgetBytes, 0))
          continue
        }
        if (hasEnded) break
        budget.review()
        await new Promise<void>((resolve) => {
          wake = resolve
          if (attempt.hasEnded) resolve()
        })
      }
    } finally {
      failed.abort()
      await attempting
    }
    if (attempt.hasFailed) throw attempt.error
    return next - 1
  }

  async #append(commits: readonly CertifiedSubDag[]): Promise<void> {
    await this.#writer.append(commits)
    this.#init.onStored?.(commits)
  }
}
