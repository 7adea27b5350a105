import { trustCommit } from '../consensus/commit.ts'
import type { Committee } from '../consensus/committee.ts'
import { errorCode, toError } from '../runtime/soma-error.ts'
import type { BlockVerifier } from '../verify/block-verifier.ts'
import { certifiedPrefix, verifyCertification } from '../verify/certification.ts'
import { verifyCommitChain } from '../verify/commit-range.ts'
import type { CertifiedCommits } from './range.ts'
import type { FetchedCommits } from './work.ts'

export interface CertifyRangeInit {
  readonly committee: Committee
  readonly blockVerifier: BlockVerifier
  readonly signal: AbortSignal
}

/**
 * Verifies a fetched range as promise 3 of the design says: chain, then certification of the last commit.
 *
 * @returns the certified commits; when only a first part of the range is certified, that part with the error that the rest deserves
 * @throws {VerifyError} when nothing of it is certified
 */
export async function certifyRange(
  { request, commits, certifiers }: FetchedCommits,
  { committee, blockVerifier, signal }: CertifyRangeInit
): Promise<{ certified: CertifiedCommits; error: Error | undefined }> {
  verifyCommitChain({
    commits,
    start: request.start,
    end: request.end,
    tip: undefined,
    epoch: committee.epoch,
    committee
  })
  const last = commits.at(-1)
  if (last === undefined) throw new TypeError('an empty range passed the chain check')
  try {
    const verified = await verifyCertification({ commit: last, certifiers, committee, blockVerifier, signal })
    return { certified: { commits: commits.map(trustCommit), certifiers: verified }, error: undefined }
  } catch (thrown) {
    const error = toError(thrown)
    if (errorCode(error) !== 'CERTIFIERS_WITHOUT_QUORUM') throw error
    const prefix = await certifiedPrefix({ commits, certifiers, committee, blockVerifier, signal })
    if (prefix === undefined) throw error
    return { certified: prefix, error }
  }
}
