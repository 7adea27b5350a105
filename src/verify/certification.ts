import { formatBlockRef } from '../consensus/block-ref.ts'
import { type EncodedCommit, type TrustedCommit, trustCommit } from '../consensus/commit.ts'
import { type CommitRef, commitRefsEqual } from '../consensus/commit-ref.ts'
import type { Committee } from '../consensus/committee.ts'
import { QUORUM_STAKE } from '../consensus/limits.ts'
import type { SignedBlock, VerifiedBlock } from '../consensus/signed-block.ts'
import { StakeAggregator } from '../consensus/stake-aggregator.ts'
import type { BlockVerifier } from './block-verifier.ts'
import { VerifyError, type VerifyErrorCode } from './verify-error.ts'

/** A commit, and the blocks that are to certify it. */
export interface CertificationCheck {
  readonly commit: EncodedCommit
  readonly certifiers: readonly SignedBlock[]
  /** Of the commit's epoch. */
  readonly committee: Committee
  readonly blockVerifier: Pick<BlockVerifier, 'verify'>
  readonly signal?: AbortSignal | undefined
}

/**
 * Verifies that a quorum certified a commit: blocks of the commit's own epoch, by distinct authors, each with a vote for exactly that index and digest,
 * with a quorum of stake, every one of them verified.
 *
 * A block that votes for another digest of the index as well counts all the same: its author contradicts itself, which is no fault of who serves it,
 * and takes no more from the quorum than one who signs two blocks.
 *
 * @returns the certifier blocks
 * @throws {VerifyError} `COMMITS_WRONG_EPOCH`, `CERTIFIERS_TOO_MANY`, `CERTIFIER_WRONG_EPOCH`, `CERTIFIER_DUPLICATE_AUTHOR`, `CERTIFIER_NO_VOTE`,
 * `CERTIFIERS_WITHOUT_QUORUM`, and every code of a block that the verifier refuses
 * @throws the signal's reason on abort
 */
export async function verifyCertification(check: CertificationCheck): Promise<VerifiedBlock[]> {
  const { commit, certifiers, committee, blockVerifier, signal } = check
  signal?.throwIfAborted()
  requireEpoch(commit, committee)
  requireCount(certifiers, committee)
  const stake = new StakeAggregator(committee)
  const authors = new Set<number>()
  for (const certifier of certifiers) {
    const { epoch, author } = certifier.ref
    if (epoch !== committee.epoch) throw fault(certifier, 'CERTIFIER_WRONG_EPOCH', `is of epoch ${epoch}`)
    if (authors.has(author)) throw fault(certifier, 'CERTIFIER_DUPLICATE_AUTHOR', 'is the second one of its author')
    if (!votesFor(certifier, commit.ref)) {
      throw fault(certifier, 'CERTIFIER_NO_VOTE', `does not vote for commit ${commit.ref.index} as it is`)
    }
    authors.add(author)
    stake.add(author)
  }
  if (!stake.hasQuorum) {
    const what = `votes of stake ${stake.stake} for commit ${commit.ref.index}, under ${QUORUM_STAKE}`
    throw new VerifyError('CERTIFIERS_WITHOUT_QUORUM', what)
  }
  return await blockVerifier.verify(certifiers, { signal })
}

/** A range whose last commit is not certified by the blocks that came with it. */
export interface CertifiedPrefixCheck extends Omit<CertificationCheck, 'commit'> {
  /** Consecutive and linked: see `verifyCommitChain`. */
  readonly commits: readonly EncodedCommit[]
}

/** The part of a range that is certified. */
export interface CertifiedPrefix {
  readonly commits: readonly TrustedCommit[]
  /** Blocks that certify the last of them. */
  readonly certifiers: readonly VerifiedBlock[]
}

/**
 * Finds the longest part of a range, from its start, whose last commit the blocks at hand certify. Blocks that are invalid, or vote for something else,
 * count nothing and do no harm.
 *
 * @returns `undefined` when there is none
 * @throws {VerifyError} `COMMITS_WRONG_EPOCH`, `CERTIFIERS_TOO_MANY`
 * @throws the signal's reason on abort
 */
export async function certifiedPrefix(check: CertifiedPrefixCheck): Promise<CertifiedPrefix | undefined> {
  const { commits, certifiers, committee, blockVerifier, signal } = check
  signal?.throwIfAborted()
  for (const commit of commits) requireEpoch(commit, committee)
  requireCount(certifiers, committee)
  const ofEpoch = certifiers.filter(({ ref }) => ref.epoch === committee.epoch)
  if (longestCertified(commits, ofEpoch, committee) === undefined) return undefined // not even if every block were valid
  const verified = await verifyEach(ofEpoch, blockVerifier, signal)
  const found = longestCertified(commits, verified, committee)
  return found && { commits: commits.slice(0, found.count).map(trustCommit), certifiers: found.certifiers }
}

function longestCertified<B extends SignedBlock>(
  commits: readonly EncodedCommit[],
  blocks: readonly B[],
  committee: Committee
): { count: number; certifiers: B[] } | undefined {
  for (let count = commits.length; count > 0; count--) {
    const ref = commits[count - 1]?.ref
    if (ref === undefined) continue
    const stake = new StakeAggregator(committee)
    const certifiers = blocks.filter((block) => votesFor(block, ref) && stake.add(block.ref.author))
    if (stake.hasQuorum) return { count, certifiers }
  }
  return undefined
}

async function verifyEach(
  blocks: readonly SignedBlock[],
  blockVerifier: Pick<BlockVerifier, 'verify'>,
  signal: AbortSignal | undefined
): Promise<VerifiedBlock[]> {
  const outcomes = await Promise.allSettled(blocks.map((block) => blockVerifier.verify([block], { signal })))
  signal?.throwIfAborted()
  return outcomes.flatMap((outcome) => {
    if (outcome.status === 'fulfilled') return outcome.value
    if (outcome.reason instanceof VerifyError) return []
    throw outcome.reason
  })
}

function votesFor({ block }: SignedBlock, ref: CommitRef): boolean {
  return block.commitVotes.some((vote) => commitRefsEqual(vote, ref))
}

function requireEpoch({ ref, commit }: EncodedCommit, { epoch }: Committee): void {
  if (commit.epoch === epoch) return
  throw new VerifyError('COMMITS_WRONG_EPOCH', `commit ${ref.index} is of epoch ${commit.epoch}, not ${epoch}`)
}

function requireCount(certifiers: readonly SignedBlock[], { validators }: Committee): void {
  if (certifiers.length <= validators.length) return
  throw new VerifyError('CERTIFIERS_TOO_MANY', `${certifiers.length} certifiers by ${validators.length} validators`)
}

function fault({ ref }: SignedBlock, code: VerifyErrorCode, what: string): VerifyError {
  return new VerifyError(code, `certifier block ${formatBlockRef(ref)} ${what}`, { block: ref })
}
