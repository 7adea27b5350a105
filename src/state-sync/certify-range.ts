import { type EncodedCommit, trustCommit } from '../consensus/commit.ts'
import type { Committee } from '../consensus/committee.ts'
import type { VerifiedBlock } from '../consensus/signed-block.ts'
import { errorCode } from '../runtime/soma-error.ts'
import type { BlockVerifier } from '../verify/block-verifier.ts'
import { certifiedPrefix, verifyCertification } from '../verify/certification.ts'
import { verifyCommitChain, verifyLink } from '../verify/commit-range.ts'
import { VerifyError } from '../verify/verify-error.ts'
import type { CertifiedCommits } from './range.ts'
import { SyncError } from './sync-error.ts'
import type { FetchedCommits } from './work.ts'

export interface CertifyRangeInit {
  /** Of the epoch that the commits claim. */
  readonly committee: Committee
  /** Whether that epoch is over where the range begins. */
  readonly isOver: boolean
  readonly blockVerifier: BlockVerifier
  readonly signal: AbortSignal
}

/**
 * Verifies a fetched range as promise 3 of the design says: chain, then certification of the last commit.
 *
 * @returns the certified commits; when only a first part of the range is certified, that part with the error that the rest deserves
 * @throws {VerifyError} when nothing of it is certified
 * @throws {SyncError} `SYNC_CERTIFIED_DATA_REFUSED` when a quorum certified commits that no honest committee makes
 */
export async function certifyRange(
  fetched: FetchedCommits,
  init: CertifyRangeInit
): Promise<{ certified: CertifiedCommits; error: Error | undefined }> {
  const { request, commits, certifiers } = fetched
  const { committee, blockVerifier, signal } = init
  try {
    const { start, end } = request
    verifyCommitChain({ commits, start, end, tip: undefined, epoch: committee.epoch, committee })
  } catch (thrown) {
    if (isContentFault(thrown)) await haltIfCertified(fetched, init, thrown)
    throw thrown
  }
  const last = lastOf(commits)
  try {
    const verified = await verifyCertification({ commit: last, certifiers, committee, blockVerifier, signal })
    if (init.isOver) throw forkAfterEpoch(commits, verified)
    return { certified: { commits: commits.map(trustCommit), certifiers: verified }, error: undefined }
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error
    if (init.isOver) throw wrongEpoch(last)
    const prefix = await certifiedPrefix({ commits, certifiers, committee, blockVerifier, signal })
    if (prefix === undefined) throw error
    return { certified: prefix, error }
  }
}

/** Whether a commit that stands where it was asked for says what it may not say. Elsewhere it may be the truth, in the wrong place. */
function isContentFault(thrown: unknown): thrown is VerifyError {
  const code = errorCode(thrown)
  return thrown instanceof VerifyError && (code === 'COMMIT_INVALID' || code === 'COMMIT_TIMESTAMP_REGRESSED')
}

/** Without a valid quorum it is the peer's lie. With one behind it no peer is at fault, and the sync must not go on. */
async function haltIfCertified(
  { commits, certifiers }: FetchedCommits,
  { committee, blockVerifier, signal }: CertifyRangeInit,
  cause: VerifyError
): Promise<void> {
  let verified: VerifiedBlock[]
  try {
    for (const [position, commit] of commits.entries()) {
      const before = commits[position - 1]
      if (before !== undefined) verifyLink(before.ref, commit)
    }
    verified = await verifyCertification({
      commit: lastOf(commits),
      certifiers,
      committee,
      blockVerifier,
      signal
    })
  } catch (thrown) {
    if (thrown instanceof VerifyError) return
    throw thrown
  }
  throw new SyncError('SYNC_CERTIFIED_DATA_REFUSED', `what a quorum certified is refused: ${cause.message}`, {
    cause,
    evidence: { commits, certifiers: verified }
  })
}

/** A commit of an epoch that is over, by a quorum of its committee: it conflicts with the end of the epoch, which a quorum made as well. */
function forkAfterEpoch(commits: readonly EncodedCommit[], certifiers: readonly VerifiedBlock[]): SyncError {
  const { ref, commit } = lastOf(commits)
  const what = `a quorum certified commit ${ref.index} of epoch ${commit.epoch}, which is over`
  return new SyncError('SYNC_FORK', what, { evidence: { commits, certifiers } })
}

function wrongEpoch({ ref, commit }: EncodedCommit): VerifyError {
  return new VerifyError('COMMITS_WRONG_EPOCH', `commit ${ref.index} is of epoch ${commit.epoch}, which is over`)
}

function lastOf(commits: readonly EncodedCommit[]): EncodedCommit {
  const last = commits.at(-1)
  if (last === undefined) throw new TypeError('an empty range passed the chain check')
  return last
}
