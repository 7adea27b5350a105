import { type CommittedSubDag, subDagBytes } from '../consensus/committed-sub-dag.ts'
import type { StateSyncStatus } from './state-sync.ts'

/** What is synced, for the status: how much since the start, and how far by the chain's own time. */
export class SyncedTally {
  #commits = 0
  #blocks = 0
  #bytes = 0
  #highestAtMs: number | undefined

  /** @param highestAtMs of the chain's genesis, where nothing is stored */
  constructor(highestAtMs: number | undefined) {
    this.#highestAtMs = highestAtMs
  }

  /** The highest commit's own time, where it is known. */
  get highestAtMs(): number | undefined {
    return this.#highestAtMs
  }

  get status(): StateSyncStatus['synced'] {
    return { commits: this.#commits, blocks: this.#blocks, bytes: this.#bytes }
  }

  /** Commits of peers are stored. */
  add(subDags: Iterable<CommittedSubDag>): void {
    for (const subDag of subDags) {
      this.#commits += 1
      this.#blocks += subDag.blocks.length
      this.#bytes += subDagBytes(subDag)
    }
  }

  /** The chain stands at a commit, whoever it came from. */
  reach(subDag: CommittedSubDag): void {
    this.#highestAtMs = subDag.commit.commit.timestampMs
  }
}
