import type { Delivery } from '../delivery/delivery.ts'
import type { CommitStore } from '../storage/commit-store.ts'

/** Commits pruned at a time: enough to share the cost of a durable write, few enough that a stop does not wait for long. */
const STEP_COMMITS = 500

export interface PrunerInit {
  readonly store: CommitStore
  readonly delivery: Delivery
  /** Commits to keep below the highest synced one. */
  readonly keepCommits: number
  readonly onPruned: () => void
  readonly onFailure: (error: unknown) => void
}

/** Keeps the store to the last so many commits, never past a durable cursor. One pruning at a time, beside the sync. */
export class Pruner {
  readonly #init: PrunerInit
  #running: Promise<void> | undefined
  #isStopped = false

  constructor(init: PrunerInit) {
    this.#init = init
  }

  /** The watermark has moved. */
  advance(): void {
    if (this.#running !== undefined || this.#isStopped || !this.#isDue()) return
    const { onPruned, onFailure } = this.#init
    this.#running = this.#prune()
      .then(onPruned, onFailure)
      .finally(() => {
        this.#running = undefined
      })
  }

  /** Resolves when the step under way is done. No further one is begun. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#running
  }

  async #prune(): Promise<void> {
    const { store, delivery } = this.#init
    while (!this.#isStopped && this.#isDue()) {
      const { lowestAvailable } = store.watermarks
      if ((await delivery.prune(lowestAvailable + STEP_COMMITS)) === lowestAvailable) return // a cursor holds it back
    }
  }

  #isDue(): boolean {
    const { store, keepCommits } = this.#init
    const { highestSynced, lowestAvailable } = store.watermarks
    return highestSynced.index - keepCommits + 1 >= lowestAvailable + STEP_COMMITS
  }
}
