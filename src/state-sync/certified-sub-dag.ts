import type { CommitRef } from '../consensus/commit-ref.ts'
import type { CommittedSubDag } from '../consensus/committed-sub-dag.ts'
import type { VerifiedBlock } from '../consensus/signed-block.ts'
import { bytesEqual } from '../runtime/hex.ts'
import type { CommitOrigin } from './range.ts'
import { type HaltEvidence, SyncError } from './sync-error.ts'

/** One commit for the store, with the blocks that certify it, where they came with it. */
export interface CertifiedSubDag {
  readonly subDag: CommittedSubDag
  readonly certifiers: readonly VerifiedBlock[]
  /** Of a commit that was synced. */
  readonly origin?: CommitOrigin | undefined
}

/**
 * Checks that commits follow the stored chain, and each other.
 *
 * @throws {SyncError} `SYNC_FORK`
 */
export function checkLinks(tip: CommitRef, commits: readonly CertifiedSubDag[]): void {
  let before = tip
  for (const [position, { subDag }] of commits.entries()) {
    const { ref, commit } = subDag.commit
    if (ref.index !== before.index + 1 || !bytesEqual(commit.previousDigest, before.digest)) {
      const what = `certified commit ${ref.index} does not follow the stored commit ${before.index}`
      throw new SyncError('SYNC_FORK', what, { evidence: evidenceOf(commits.slice(0, position + 1)) })
    }
    before = ref
  }
}

/**
 * Checks that the last of these commits is of the epoch that the chain goes on in.
 *
 * @throws {SyncError} `SYNC_FORK`
 */
export function checkEpoch(
  { commit: { ref, commit } }: CommittedSubDag,
  epoch: number,
  all: readonly CertifiedSubDag[]
): void {
  if (commit.epoch === epoch) return
  const what = `certified commit ${ref.index} is of epoch ${commit.epoch}, and the chain goes on in epoch ${epoch}`
  throw new SyncError('SYNC_FORK', what, { evidence: evidenceOf(all) })
}

/**
 * What proves a fault of the last of these commits. A quorum certified the range that it is of, whose other commits may still lack their blocks: they, and not
 * those blocks, link it to the votes.
 */
export function evidenceOf(commits: readonly CertifiedSubDag[]): HaltEvidence {
  const { origin, certifiers = [] } = commits.at(-1) ?? {}
  const own = commits.map(({ subDag }) => subDag.commit)
  const [first] = origin?.certified.commits ?? []
  if (origin === undefined || first === undefined) return { commits: own, certifiers }
  const before = own.filter(({ ref }) => ref.index < first.ref.index)
  return { ...origin.certified, commits: [...before, ...origin.certified.commits], peer: origin.peer }
}
