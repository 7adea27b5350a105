import type { BlockRef } from '../../../src/consensus/block-ref.ts'
import { type Commit, type EncodedCommit, encodeCommit } from '../../../src/consensus/commit.ts'
import type { CommitVote } from '../../../src/consensus/commit-ref.ts'
import type { SignedBlock } from '../../../src/consensus/signed-block.ts'
import { toHex } from '../../../src/runtime/hex.ts'
import type { VerifyErrorCode } from '../../../src/verify/verify-error.ts'
import { filled } from './fields.ts'
import { blockBy, certifiers, chainId, chainRound, commits, committee, genesisRefs, refsOf } from './fixture.ts'

interface Range {
  readonly start?: number
  readonly end?: number
  readonly commits?: readonly EncodedCommit[]
  readonly certifiers?: readonly SignedBlock[]
}

const [first, second] = commits as [EncodedCommit, EncodedCommit]
const [voterA, voterB, voterC] = certifiers as [SignedBlock, SignedBlock, SignedBlock]
const secondRefs = refsOf(chainRound(2))

/** A valid block of round 3 that votes as it is told. */
function voter(author: number, ...commitVotes: CommitVote[]): SignedBlock {
  return blockBy(author, 3, secondRefs, { commitVotes })
}

/** Commits 1 and 2, with something else about the second; a quorum votes for it all the same. */
function withSecond(changes: Partial<Commit>): Range {
  const changed = encodeCommit({ ...second.commit, ...changes })
  return { commits: [first, changed], certifiers: [0, 1, 2].map((author) => voter(author, changed.ref)) }
}

function withBlocks(...refs: BlockRef[]): Range {
  return withSecond({ blocks: refs })
}

const [someBlock, ...otherBlocks] = second.commit.blocks as [BlockRef, ...BlockRef[]]
const late = refsOf(chainRound(3))[0] as BlockRef

const cases: readonly [string, VerifyErrorCode | 'COMMIT_MALFORMED', Range][] = [
  ['no commits', 'COMMITS_EMPTY', { commits: [], certifiers: [] }],
  ['more commits than asked for', 'COMMITS_TOO_MANY', { end: 1 }],
  ['commits from another index than asked for', 'COMMITS_WRONG_INDEX', { commits: [second] }],
  ['a gap', 'COMMITS_WRONG_INDEX', withSecond({ index: 3 })],
  ['the same commit twice', 'COMMITS_WRONG_INDEX', { commits: [first, first] }],
  ['no link to the commit before', 'COMMITS_BROKEN_CHAIN', withSecond({ previousDigest: filled(1) })],
  [
    'no link to the genesis',
    'COMMITS_BROKEN_CHAIN',
    { commits: [encodeCommit({ ...first.commit, previousDigest: filled(1) })] }
  ],
  ['a timestamp before that of the commit before', 'COMMIT_TIMESTAMP_REGRESSED', withSecond({ timestampMs: 1 })],
  ['another epoch', 'COMMITS_WRONG_EPOCH', withSecond({ epoch: 1 })],
  ['no blocks', 'COMMIT_INVALID', withBlocks()],
  ['a block twice', 'COMMIT_INVALID', withBlocks(someBlock, someBlock, ...otherBlocks)],
  ['a block of another epoch', 'COMMIT_INVALID', withBlocks({ ...someBlock, epoch: 1 }, ...otherBlocks)],
  ['a block by no validator', 'COMMIT_INVALID', withBlocks({ ...someBlock, author: 4 }, ...otherBlocks)],
  ['a genesis block', 'COMMIT_INVALID', withBlocks(genesisRefs[0] as BlockRef, ...otherBlocks)],
  ['a block after the leader', 'COMMIT_INVALID', withBlocks(late, ...otherBlocks)],
  ['a leader that is not among its blocks', 'COMMIT_INVALID', withSecond({ leader: someBlock })],
  ['no certifier blocks', 'CERTIFIERS_WITHOUT_QUORUM', { certifiers: [] }],
  ['votes of 6,000', 'CERTIFIERS_WITHOUT_QUORUM', { certifiers: strongestTwo() }],
  ['one certifier twice', 'CERTIFIER_DUPLICATE_AUTHOR', { certifiers: [voterA, voterB, voterB] }],
  [
    'two different certifiers by one author',
    'CERTIFIER_DUPLICATE_AUTHOR',
    { certifiers: [voterA, voterB, voter(1, second.ref)] }
  ],
  ['more certifiers than validators', 'CERTIFIERS_TOO_MANY', { certifiers: [...chainRound(3), voterA] }],
  ['a certifier that votes for nothing', 'CERTIFIER_NO_VOTE', { certifiers: [voterA, voterB, voter(2)] }],
  [
    'a vote for another digest',
    'CERTIFIER_NO_VOTE',
    { certifiers: [voterA, voterB, voter(2, { ...second.ref, digest: filled(1) })] }
  ],
  [
    'a vote for another index',
    'CERTIFIER_NO_VOTE',
    { certifiers: [voterA, voterB, voter(2, { ...second.ref, index: 3 })] }
  ],
  [
    'a certifier of another epoch',
    'CERTIFIER_WRONG_EPOCH',
    { certifiers: [voterA, voterB, blockBy(2, 3, secondRefs, { epoch: 1, commitVotes: [second.ref] })] }
  ],
  [
    'a certifier signed by another',
    'BLOCK_BAD_SIGNATURE',
    { certifiers: [voterA, voterB, blockBy(2, 3, secondRefs, { commitVotes: [second.ref] }, 3)] }
  ],
  [
    'a certifier that is no valid block',
    'BLOCK_PARENTS_WITHOUT_QUORUM',
    { certifiers: [voterA, voterB, blockBy(2, 3, secondRefs.slice(2, 3), { commitVotes: [second.ref] })] }
  ]
]

export function invalidRangeVectors(): unknown {
  return {
    about:
      'Answers to FetchCommits on the chain of genesis.json, for commits start to end of a receiver that has none, each of which breaks one rule, and the code of that rule in README.md. The same range without a fault is in chain.json.',
    chain_id: toHex(chainId),
    ranges: cases.map(([what, code, range]) => ({
      what,
      code,
      start: range.start ?? 1,
      end: range.end ?? 100,
      commits: (range.commits ?? commits).map(({ bytes }) => toHex(bytes)),
      certifier_blocks: (range.certifiers ?? [voterA, voterB, voterC]).map(({ bytes }) => toHex(bytes))
    }))
  }
}

/** The two voters with the most power: 6,000 of 10,000. */
function strongestTwo(): SignedBlock[] {
  const powerOf = ({ ref }: SignedBlock) => committee.validators[ref.author]?.votingPower ?? 0
  return chainRound(3)
    .toSorted((a, b) => powerOf(b) - powerOf(a))
    .slice(0, 2)
}
