import type { ConsensusCommit } from '../../src/node/soma-node.ts'
import type { Pace } from './node-protocol.ts'

/** The part of a scripted consensus that is paced. */
export interface PacedConsensus {
  /** The commit handed over last. */
  readonly lastCommit: { readonly index: number }
  nextCommit(): ConsensusCommit
}

/** What a pacemaker works with. */
export interface PacemakerInit {
  readonly consensus: PacedConsensus
  /** Hands a commit to the node and resolves when that has it. */
  readonly handIn: (commit: ConsensusCommit) => Promise<unknown>
  /** Told of each commit before it is handed in, with the time by the clock of the pace. */
  readonly onHandedIn: (index: number, at: number) => void
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

  constructor(init: PacemakerInit) {
    this.#init = init
  }

  /**
   * Hands in commits until the one that {@link stopAt} named.
   *
   * @throws the signal's reason, and what `handIn` throws; a commit that was begun is handed in whole before
   */
  async run(pace: Pace, signal: AbortSignal): Promise<void> {
    const { consensus, handIn, onHandedIn, now, sleep } = this.#init
    while (true) {
      const index = consensus.lastCommit.index + 1
      const wait = pace.at + (index - pace.index) * pace.roundMs - now()
      if (wait > 0) await sleep(wait, { signal })
      signal.throwIfAborted()
      if (index > this.#last) return
      const commit = consensus.nextCommit()
      onHandedIn(index, now())
      await handIn(commit)
    }
  }

  /** Sets the last commit to hand in, and returns it: a higher one where that has been handed in already. */
  stopAt(index: number): number {
    this.#last = Math.max(index, this.#init.consensus.lastCommit.index)
    return this.#last
  }
}
