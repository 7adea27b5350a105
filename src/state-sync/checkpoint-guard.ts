import type { EncodedCommit } from '../consensus/commit.ts'
import type { Committee } from '../consensus/committee.ts'
import type { TrustedCheckpoint } from '../consensus/trusted-checkpoint.ts'
import { bytesEqual } from '../runtime/hex.ts'
import { type HaltEvidence, SyncError } from './sync-error.ts'

/**
 * Holds certified data against the trusted checkpoint. Keys that have been retired still sign: what they certify is a chain in every other respect, and only
 * somebody outside of it knows that it is not the one.
 */
export class CheckpointGuard {
  readonly #checkpoint: TrustedCheckpoint | undefined

  /** @param checkpoint `undefined` where none is configured: then nothing conflicts */
  constructor(checkpoint: TrustedCheckpoint | undefined) {
    this.#checkpoint = checkpoint
  }

  /**
   * Refuses certified commits that lead past the checkpoint another way.
   *
   * @throws {SyncError} `SYNC_FORK`, with the evidence
   */
  checkCommits(commits: readonly EncodedCommit[], evidence: () => HaltEvidence): void {
    for (const commit of commits) {
      const conflict = this.#conflictOf(commit)
      if (conflict === undefined) continue
      const what = `certified commit ${commit.ref.index} ${conflict} ${this.#name}`
      throw new SyncError('SYNC_FORK', what, { evidence: evidence() })
    }
  }

  /**
   * Refuses the end of an epoch that the checkpoint knows otherwise.
   *
   * @param lastCommit index of the last commit of its epoch
   * @throws {SyncError} `SYNC_COMMITTEE_CONFLICT`, with the evidence where there is some
   */
  checkHandOver(lastCommit: number, next: Committee, evidence?: () => HaltEvidence): void {
    if (this.#checkpoint === undefined) return
    const { commit, committee } = this.#checkpoint
    const isOther = next.epoch === committee.epoch && !bytesEqual(next.digest, committee.digest)
    const isTooSoon = next.epoch > committee.epoch && lastCommit <= commit.index
    const isTooLate = next.epoch < committee.epoch && lastCommit >= commit.index
    if (!isOther && !isTooSoon && !isTooLate) return
    const what = `commit ${lastCommit} hands over to ${isOther ? 'another' : 'a'} committee of epoch ${next.epoch}, which conflicts with ${this.#name}`
    throw new SyncError('SYNC_COMMITTEE_CONFLICT', what, evidence && { evidence: evidence() })
  }

  get #name(): string {
    const { commit, committee } = this.#checkpoint ?? {}
    return `the trusted checkpoint at commit ${commit?.index}, followed by epoch ${committee?.epoch}`
  }

  #conflictOf({ ref, commit }: EncodedCommit): string | undefined {
    if (this.#checkpoint === undefined) return undefined
    const { commit: trusted, committee } = this.#checkpoint
    const isAt = ref.index === trusted.index
    const isNext = ref.index === trusted.index + 1
    if (isAt && !bytesEqual(ref.digest, trusted.digest)) return 'is another one than'
    if (isNext && !bytesEqual(commit.previousDigest, trusted.digest)) return 'does not follow'
    const isOfEpoch = ref.index <= trusted.index ? commit.epoch <= committee.epoch : commit.epoch >= committee.epoch
    if (!isOfEpoch || (isNext && commit.epoch !== committee.epoch)) return `is of epoch ${commit.epoch}, unlike`
    return undefined
  }
}
