import type { BlockRef } from '../consensus/block-ref.ts'
import type { CommittedSubDag } from '../consensus/committed-sub-dag.ts'
import type { Committee } from '../consensus/committee.ts'
import { digestKey } from '../consensus/digest.ts'
import { StakeAggregator } from '../consensus/stake-aggregator.ts'
import type { CertifierWrite } from '../storage/commit-store.ts'

interface Candidate {
  readonly epoch: number
  readonly digest: string
  readonly stake: StakeAggregator
  readonly voters: BlockRef[]
}

/** Commits kept in sight while their votes come: votes follow within some rounds, and a chain that lags behind more is certified by its ranges. */
const WINDOW = 256

/**
 * Finds the certifiers of commits in the blocks of later ones.
 *
 * A fetched range brings certifier blocks for its last commit only. The votes for the others are in the blocks of the commits after them, so that a
 * node that has synced can serve, with proof, ranges that end anywhere, and not only where its own happened to end.
 */
export class VoteCollector {
  readonly #candidates = new Map<number, Candidate>()

  /**
   * Takes the next commit of the chain.
   *
   * @param isCertified whether its certifiers are known already
   * @returns the certifiers that became complete with it
   */
  add(subDag: CommittedSubDag, committee: Committee, isCertified: boolean): CertifierWrite[] {
    const { index, digest } = subDag.commit.ref
    if (!isCertified) {
      const stake = new StakeAggregator(committee)
      this.#candidates.set(index, { epoch: committee.epoch, digest: digestKey(digest), stake, voters: [] })
      this.#candidates.delete(index - WINDOW)
    }
    const found: CertifierWrite[] = []
    for (const block of subDag.blocks) {
      for (const vote of block.block.commitVotes) {
        const candidate = this.#candidates.get(vote.index)
        if (candidate === undefined || candidate.digest !== digestKey(vote.digest)) continue
        // a commit is certified by its own epoch: the same index is another validator in the next
        if (block.ref.epoch !== candidate.epoch || !candidate.stake.add(block.ref.author)) continue
        candidate.voters.push(block.ref)
        if (!candidate.stake.hasQuorum) continue
        found.push({ index: vote.index, blocks: candidate.voters.map((ref) => ({ ref, bytes: undefined })) })
        this.#candidates.delete(vote.index)
      }
    }
    return found
  }

  /** The certifiers of a commit came another way. */
  certified(index: number): void {
    this.#candidates.delete(index)
  }
}
