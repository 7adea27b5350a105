import { blockRefKey } from '../consensus/block-ref.ts'
import type { CommittedSubDag } from '../consensus/committed-sub-dag.ts'
import { assembleSubDag } from '../verify/assembly.ts'
import { VerifyError } from '../verify/verify-error.ts'
import type { CompleteCommit } from './range.ts'
import { SyncError } from './sync-error.ts'

/** Blocks remembered: ancestors are seldom more than some rounds back, of committees of up to 1,000. */
const REMEMBERED_BLOCKS = 20_000

/** Assembles commits with the timestamps of lately committed blocks at hand, against which those of their descendants are checked. */
export class CommittedTimestamps {
  readonly #timestamps = new Map<string, number>()

  /**
   * Puts a certified commit and its verified blocks together.
   *
   * @throws {SyncError} `SYNC_CERTIFIED_DATA_REFUSED` when they break a rule although a quorum certified them
   */
  assemble({ commit, blocks, origin }: Pick<CompleteCommit, 'commit' | 'blocks' | 'origin'>): CommittedSubDag {
    try {
      const subDag = assembleSubDag(commit, blocks, (_, key) => this.#timestamps.get(key))
      this.add(subDag) // at once: the next commit of the same run may build on it
      return subDag
    } catch (cause) {
      if (!(cause instanceof VerifyError)) throw cause
      throw new SyncError('SYNC_CERTIFIED_DATA_REFUSED', `commit ${commit.ref.index} is refused: ${cause.message}`, {
        cause,
        ...(origin === undefined ? {} : { evidence: { ...origin.certified, peer: origin.peer } })
      })
    }
  }

  /** Remembers the blocks of a commit. */
  add({ blocks }: CommittedSubDag): void {
    for (const { ref, block } of blocks) this.#timestamps.set(blockRefKey(ref), block.timestampMs)
    for (const oldest of this.#timestamps.keys()) {
      if (this.#timestamps.size <= REMEMBERED_BLOCKS) return
      this.#timestamps.delete(oldest)
    }
  }
}
