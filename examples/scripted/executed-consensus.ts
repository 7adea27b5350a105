import type { AbortOptions } from '@libp2p/interface'
import type { CommitRef } from '../../src/consensus/commit-ref.ts'
import type { Digest } from '../../src/consensus/digest.ts'
import type { EpochPlan } from '../../src/testing/epoch-schedule.ts'
import {
  type ScriptedCommit,
  ScriptedConsensus,
  type ScriptedConsensusOptions
} from '../../src/testing/scripted-consensus.ts'
import type { Ledger } from '../ledger/ledger.ts'

/** What a consensus hears of its executor. */
export type ExecutedState = Pick<Ledger, 'stateAfter'>

/**
 * A scripted consensus above a ledger, as a real one is above its executor: an epoch that ends with a proof hands over the state that the ledger has come to, so
 * the commit that says so is made once the one before is executed.
 */
export class ExecutedConsensus {
  readonly #consensus: ScriptedConsensus
  readonly #ledger: ExecutedState | undefined
  readonly #isProven: boolean
  #state: { readonly index: number; readonly digest: Digest } | undefined

  /**
   * @param ledger may be missing where no epoch ends with a proof
   * @param snapshot of an earlier one, to go on from
   * @throws {RangeError} when the options are wrong, or do not go with the snapshot
   */
  constructor(options: ScriptedConsensusOptions, ledger: ExecutedState | undefined, snapshot?: Uint8Array) {
    const stateHash = (after: CommitRef) => this.#stateAfter(after)
    const executed = { ...options, epochs: options.epochs && { ...options.epochs, stateHash } }
    this.#consensus =
      snapshot === undefined ? new ScriptedConsensus(executed) : ScriptedConsensus.resume(executed, snapshot)
    this.#isProven = options.epochs !== undefined && options.epochs.proofs !== false
    if (this.#isProven && ledger === undefined) throw new RangeError('epochs that end with a proof, and no ledger')
    this.#ledger = ledger
  }

  /** The commit made last; commit 0 at first. */
  get lastCommit(): CommitRef {
    return this.#consensus.lastCommit
  }

  /** See {@link ScriptedConsensus.dueMs}. */
  dueMs(index: number): number {
    return this.#consensus.dueMs(index)
  }

  /** The epoch of a commit, made or not. */
  epochOf(index: number): EpochPlan {
    return this.#consensus.epoch(this.#consensus.epochOf(index))
  }

  /** Whether the next commit says to which state those before it have led. */
  get needsState(): boolean {
    const next = this.lastCommit.index + 1
    return this.#isProven && next === this.epochOf(next).lastCommit
  }

  /**
   * Makes the next commit.
   *
   * @throws {LedgerError} when the ledger closes before it comes to the state that is handed over
   * @throws the signal's reason
   */
  async nextCommit(options?: AbortOptions): Promise<ScriptedCommit> {
    if (this.#ledger !== undefined && this.needsState) {
      const { index } = this.lastCommit
      this.#state = { index, digest: await this.#ledger.stateAfter(index, options) }
    }
    return this.#consensus.nextCommit()
  }

  /** See {@link ScriptedConsensus.snapshot}. */
  snapshot(): Uint8Array {
    return this.#consensus.snapshot()
  }

  #stateAfter({ index }: CommitRef): Digest {
    if (this.#state?.index !== index) throw new RangeError(`the state after commit ${index} was not waited for`)
    return this.#state.digest
  }
}
