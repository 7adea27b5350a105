import type { BlockRef } from '../consensus/block-ref.ts'
import { BlockRefMap } from '../consensus/block-ref-map.ts'
import type { CommittedSubDag } from '../consensus/committed-sub-dag.ts'
import { assembleSubDag } from '../verify/assembly.ts'
import { VerifyError } from '../verify/verify-error.ts'
import type { CompleteCommit } from './range.ts'
import { SyncError } from './sync-error.ts'

/** Blocks remembered, at least: ancestors are seldom more than some rounds back, of committees of up to 1,000. */
const REMEMBERED_BLOCKS = 10_000

/** Assembles commits with the timestamps of lately committed blocks at hand, against which those of their descendants are checked. */
export class CommittedTimestamps {
  #latest = new BlockRefMap<number>()
  #earlier = new BlockRefMap<number>()

  /**
   * Puts a certified commit and its verified blocks together.
   *
   * @throws {SyncError} `SYNC_CERTIFIED_DATA_REFUSED` when they break a rule although a quorum certified them
   */
  assemble({ commit, blocks, origin }: Pick<CompleteCommit, 'commit' | 'blocks' | 'origin'>): CommittedSubDag {
    try {
      const subDag = assembleSubDag(commit, blocks, (ref) => this.#get(ref))
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
    for (const { ref, block } of blocks) this.#latest.set(ref, block.timestampMs)
    if (this.#latest.size < REMEMBERED_BLOCKS) return
    this.#earlier = this.#latest
    this.#latest = new BlockRefMap()
  }

  #get(ref: BlockRef): number | undefined {
    return this.#latest.get(ref) ?? this.#earlier.get(ref)
  }
}
