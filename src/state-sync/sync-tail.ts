import { pipe } from 'it-pipe'
import type { CommittedSubDag } from '../consensus/committed-sub-dag.ts'
import type { ByteBudget } from '../runtime/byte-budget.ts'
import type { Clock } from '../runtime/clock.ts'
import type { HealthRegistry } from '../runtime/health.ts'
import { fullMessage, toError } from '../runtime/soma-error.ts'
import { StorageError } from '../storage/storage-error.ts'
import type { CertifiedSubDag } from './certified-sub-dag.ts'
import type { CommitWriter } from './commit-writer.ts'
import type { CompleteCommit } from './range.ts'
import type { RangeTable } from './range-table.ts'
import type { StageTallies } from './stage-tallies.ts'
import { assemble, type Run } from './stages/assemble.ts'
import { store } from './stages/store.ts'

/** One durable write: large enough to share the cost of a sync to disk, small enough to be read by the executor soon. */
const MAX_RUN_BYTES: number = 4 * 1024 * 1024
const MAX_RUN_COMMITS = 256
/** The disk may be full for long; asking it once a second costs nothing. */
const STORE_RETRY_MS = 1_000
/** What may pass by itself, or by an operator who makes room. Anything else does not, and takes the node down. */
const PASSING: ReadonlySet<string> = new Set(['STORAGE_WRITE_FAILED', 'STORAGE_READ_FAILED'])

export interface SyncTailInit {
  readonly ranges: RangeTable
  readonly budget: ByteBudget
  readonly writer: CommitWriter
  readonly clock: Clock
  readonly health: HealthRegistry
  readonly stages: StageTallies
  /** The highest commit stored. */
  readonly highestSynced: () => number
  readonly assemble: (complete: CompleteCommit) => CommittedSubDag
  readonly onSynced: (commits: readonly CertifiedSubDag[]) => void
}

/** The ordered tail: takes complete commits from the lowest range, assembles and stores them. One for the whole sync. */
export class SyncTail {
  readonly #init: SyncTailInit
  #takenUpTo = 0
  #wake: (() => void) | undefined

  constructor(init: SyncTailInit) {
    this.#init = init
  }

  /** The highest commit stored, or taken to be stored. */
  get takenUpTo(): number {
    return Math.max(this.#takenUpTo, this.#init.highestSynced())
  }

  /** There may be complete commits. */
  wake(): void {
    this.#wake?.()
  }

  /**
   * Runs until the signal aborts.
   *
   * @throws {SyncError} when the sync must halt
   */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.wake(), { once: true })
    await pipe(
      this.#runs(signal),
      assemble({ assemble: (complete) => this.#assemble(complete) }),
      store({
        append: (commits) => this.#append(commits, signal),
        release: (bytes) => this.#init.budget.release(bytes)
      })
    )
  }

  async *#runs(signal: AbortSignal): AsyncGenerator<Run<CompleteCommit>> {
    const { ranges, budget } = this.#init
    while (!signal.aborted) {
      const { commits, skippedBytes } = ranges.take(this.takenUpTo + 1, MAX_RUN_COMMITS, MAX_RUN_BYTES)
      budget.release(skippedBytes) // also lets in the range that is now the lowest
      const last = commits.at(-1)
      if (last === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
        continue
      }
      this.#takenUpTo = last.commit.ref.index
      yield { commits, budgetBytes: commits.reduce((sum, commit) => sum + commit.budgetBytes, 0) }
    }
  }

  #assemble(complete: CompleteCommit): CommittedSubDag {
    const { clock, stages } = this.#init
    const begun = clock.monotonic()
    stages.assemble.enter(1)
    try {
      const subDag = this.#init.assemble(complete)
      stages.assemble.pass(1)
      return subDag
    } catch (thrown) {
      stages.assemble.fail(1)
      throw thrown
    } finally {
      stages.assemble.worked(clock.monotonic() - begun)
    }
  }

  async #append(commits: readonly CertifiedSubDag[], signal: AbortSignal): Promise<void> {
    const { clock, health, stages } = this.#init
    stages.store.enter(commits.length)
    while (!signal.aborted) {
      try {
        await this.#write(commits)
        health.set('storage', { state: 'ok' })
        stages.store.pass(commits.length)
        this.#init.onSynced(commits)
        return
      } catch (thrown) {
        stages.store.failAndStay(commits.length)
        if (!(thrown instanceof StorageError && PASSING.has(thrown.code))) {
          stages.store.drop(commits.length)
          throw toError(thrown)
        }
        health.set('storage', { state: 'degraded', reason: `${thrown.code}: ${fullMessage(thrown)}; trying again` })
        await clock.sleep(STORE_RETRY_MS, { signal }).catch(() => undefined) // aborted: the loop's condition ends it
      }
    }
    stages.store.drop(commits.length)
  }

  async #write(commits: readonly CertifiedSubDag[]): Promise<void> {
    const { writer, clock, stages } = this.#init
    const begun = clock.monotonic()
    try {
      await writer.append(commits)
    } finally {
      stages.store.worked(clock.monotonic() - begun)
    }
  }
}
