import type { ConsensusCommit } from '../../src/node/soma-node.ts'
import type { Pace } from './node-protocol.ts'

/** The part of a scripted consensus that is paced. */
export interface PacedConsensus {
  /** The commit made last. */
  readonly lastCommit: { readonly index: number }
  /** When a commit is due by the chain's own time, in milliseconds. */
  dueMs(index: number): number
  nextCommit(options: { signal: AbortSignal }): Promise<ConsensusCommit>
}

/** What a pacemaker works with. */
export interface PacemakerInit {
  readonly consensus: PacedConsensus
  /** Milliseconds between rounds by the chain's own time. */
  readonly roundIntervalMs: number
  /** Hands a commit to the node and resolves when that has it. */
  readonly handIn: (commit: ConsensusCommit, signal: AbortSignal) => Promise<unknown>
  /** The clock of the pace, in milliseconds. */
  readonly now: () => number
  /** @throws the signal's reason */
  readonly sleep: (milliseconds: number, options: { signal: AbortSignal }) => Promise<void>
}

/**
 * Makes a scripted consensus keep time: each commit is handed in when it is due, or at once where it is overdue. Validators with the same
 * pace hand in the same commits at the same time.
 */
export class Pacemaker {
  readonly #init: PacemakerInit
  #last = Number.POSITIVE_INFINITY
  #making = 0

  constructor(init: PacemakerInit) {
    this.#init = init
  }

  /**
   * Hands in commits until the one that {@link stopAt} named.
   *
   * @throws the signal's reason, and what `handIn` throws
   */
  async run(pace: Pace, signal: AbortSignal): Promise<void> {
    const { consensus, roundIntervalMs, handIn, now, sleep } = this.#init
    const start = consensus.dueMs(pace.index)
    while (true) {
      const index = consensus.lastCommit.index + 1
      const rounds = (consensus.dueMs(index) - start) / roundIntervalMs
      const wait = pace.at + rounds * pace.roundMs - now()
      if (wait > 0) await sleep(wait, { signal })
      signal.throwIfAborted()
      if (index > this.#last) return
      this.#making = index
      await handIn(await consensus.nextCommit({ signal }), signal)
    }
  }

  /** Sets the last commit to hand in, and returns it: a higher one where that is handed in already, or about to be. */
  stopAt(index: number): number {
    this.#last = Math.max(index, this.#making, this.#init.consensus.lastCommit.index)
    return this.#last
  }
}
