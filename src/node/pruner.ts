import type { Delivery } from '../delivery/delivery.ts'
import type { CommitStore } from '../storage/commit-store.ts'

/** Prunes in steps: each costs a durable write. */
const STEP_COMMITS = 100

export interface PrunerInit {
  readonly store: CommitStore
  readonly delivery: Delivery
  /** Commits to keep below the highest synced one. */
  readonly keepCommits: number
  readonly onFailure: (error: unknown) => void
}

/** Keeps the store to the last so many commits, never past a durable cursor. One pruning at a time, beside the sync. */
export class Pruner {
  readonly #init: PrunerInit
  #running: Promise<void> | undefined

  constructor(init: PrunerInit) {
    this.#init = init
  }

  /** The watermark has moved. */
  advance(): void {
    const { store, delivery, keepCommits, onFailure } = this.#init
    const { highestSynced, lowestAvailable } = store.watermarks
    const wanted = highestSynced.index - keepCommits + 1
    if (this.#running !== undefined || wanted < lowestAvailable + STEP_COMMITS) return
    this.#running = delivery
      .prune(wanted)
      .then(() => undefined, onFailure)
      .finally(() => {
        this.#running = undefined
      })
  }

  /** Resolves when no pruning is under way. */
  async settled(): Promise<void> {
    await this.#running
  }
}
