import { formatBlockRef } from '../consensus/block-ref.ts'
import type { EncodedCommit } from '../consensus/commit.ts'
import type { CommitRef } from '../consensus/commit-ref.ts'
import type { Committee } from '../consensus/committee.ts'
import { bytesEqual } from '../runtime/hex.ts'
import { VerifyError } from './verify-error.ts'

/** A fetched range, and what it is held against. */
export interface CommitChainCheck {
  /** As fetched, in order. */
  readonly commits: readonly EncodedCommit[]
  /** Index of the first commit that was asked for. */
  readonly start: number
  /** Index of the last commit that was asked for. An answer may be shorter. */
  readonly end: number
  /** Commit `start - 1`; `undefined` while it has not come: then its link is checked later, by {@link verifyLink}. */
  readonly tip: CommitRef | undefined
  /** Timestamp of the tip, where it is at hand. */
  readonly tipTimestampMs?: number | undefined
  /** The epoch that the chain is in at `start`. */
  readonly epoch: number
  /** Of that epoch. */
  readonly committee: Committee
}

/**
 * Verifies everything of a fetched range but its certification: that it is what was asked for, that each commit links to the one before, down to the tip, and
 * that each is one that an honest committee can have made.
 *
 * @throws {VerifyError} `COMMITS_EMPTY`, `COMMITS_TOO_MANY`, and what {@link verifyLink} and {@link verifyCommitContent} throw
 * @throws {RangeError} when the request makes no sense: the caller's fault, not the peer's
 */
export function verifyCommitChain(check: CommitChainCheck): void {
  const { commits, start, end, tip, epoch, committee } = check
  if (end < start || (tip !== undefined && tip.index + 1 !== start) || committee.epoch !== epoch) {
    throw new RangeError(`commits ${start} to ${end} of epoch ${epoch} cannot follow commit ${tip?.index}`)
  }
  const [first] = commits
  if (first === undefined) throw new VerifyError('COMMITS_EMPTY', 'an answer without commits')
  const asked = end - start + 1
  if (commits.length > asked) throw new VerifyError('COMMITS_TOO_MANY', `${commits.length} commits, ${asked} asked for`)
  if (first.ref.index !== start) throw wrongIndex(first, start)
  if (tip !== undefined) verifyLink(tip, first, check.tipTimestampMs)
  for (const [position, commit] of commits.entries()) {
    const before = commits[position - 1]
    if (before !== undefined) verifyLink(before.ref, commit, before.commit.timestampMs)
  }
  for (const commit of commits) verifyCommitContent(commit, committee)
}

/**
 * Verifies that a commit follows another.
 *
 * @param previousTimestampMs timestamp of the one before, where it is at hand
 * @throws {VerifyError} `COMMITS_WRONG_INDEX`, `COMMITS_BROKEN_CHAIN`, `COMMIT_TIMESTAMP_REGRESSED`
 */
export function verifyLink(previous: CommitRef, { ref, commit }: EncodedCommit, previousTimestampMs?: number): void {
  if (ref.index !== previous.index + 1) throw wrongIndex({ ref }, previous.index + 1)
  if (!bytesEqual(commit.previousDigest, previous.digest)) {
    throw new VerifyError('COMMITS_BROKEN_CHAIN', `commit ${ref.index} does not link to commit ${previous.index}`)
  }
  if (previousTimestampMs !== undefined && commit.timestampMs < previousTimestampMs) {
    throw new VerifyError('COMMIT_TIMESTAMP_REGRESSED', `commit ${ref.index} is older than commit ${previous.index}`)
  }
}

/**
 * Verifies what a commit says, as far as that can be seen without its blocks: of the committee's epoch; at least one block, none twice, each by a
 * member, of the same epoch, of round 1 or later, and none after the leader's round; the leader among them.
 *
 * @throws {VerifyError} `COMMITS_WRONG_EPOCH`, `COMMIT_INVALID`
 */
export function verifyCommitContent({ ref, commit }: EncodedCommit, committee: Committee): void {
  const { epoch, leader, blocks } = commit
  const fault = (what: string) => new VerifyError('COMMIT_INVALID', `commit ${ref.index} ${what}`)
  if (epoch !== committee.epoch) {
    const what = `commit ${ref.index} is of epoch ${epoch}, not ${committee.epoch}`
    throw new VerifyError('COMMITS_WRONG_EPOCH', what)
  }
  const digests = new Set<string>()
  let hasLeader = false
  for (const block of blocks) {
    if (block.epoch !== epoch) throw fault(`has ${formatBlockRef(block)} of epoch ${block.epoch}`)
    if (block.author >= committee.validators.length) throw fault(`has ${formatBlockRef(block)} by no validator`)
    if (block.round === 0) throw fault(`has the genesis block ${formatBlockRef(block)}`)
    if (block.round > leader.round) throw fault(`has ${formatBlockRef(block)}, later than its leader`)
    digests.add(Buffer.from(block.digest.buffer, block.digest.byteOffset, block.digest.byteLength).toString('latin1'))
    hasLeader ||=
      block.round === leader.round && block.author === leader.author && bytesEqual(block.digest, leader.digest)
  }
  if (digests.size !== blocks.length) throw fault('has a block twice')
  if (!hasLeader || leader.epoch !== epoch) throw fault(`does not have its leader ${formatBlockRef(leader)}`)
}

function wrongIndex({ ref }: Pick<EncodedCommit, 'ref'>, expected: number): VerifyError {
  return new VerifyError('COMMITS_WRONG_INDEX', `commit ${ref.index} where commit ${expected} belongs`)
}
