import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type BlockRef, genesisBlockRef } from '../../src/consensus/block-ref.ts'
import type { Commit, EncodedCommit } from '../../src/consensus/commit.ts'
import { decodeCommittee } from '../../src/consensus/committee.ts'
import { genesisCommitRef } from '../../src/consensus/genesis.ts'
import { buildChain, commitAt } from '../../src/testing/chain-builder.ts'
import { forgeCommit } from '../../src/testing/forge.ts'
import { type CommitChainCheck, verifyCommitChain, verifyLink } from '../../src/verify/commit-range.ts'
import type { VerifyErrorCode } from '../../src/verify/verify-error.ts'

const chain = buildChain({ commits: 20 })
const { committee, chainId } = chain.genesis
const all = chain.commits.map(({ subDag }) => subDag.commit)
const commit = (index: number): EncodedCommit => commitAt(chain, index).subDag.commit

/** Commits 5 to 12 on top of commit 4, with some things changed. */
function check(changes: Partial<CommitChainCheck> = {}): CommitChainCheck {
  return {
    commits: all.slice(4, 12),
    start: 5,
    end: 12,
    tip: commit(4).ref,
    tipTimestampMs: commit(4).commit.timestampMs,
    epoch: 0,
    committee,
    ...changes
  }
}

/** The same range with one commit changed and all after it linked to it anew. */
function rangeWith(index: number, changes: Partial<Commit>): EncodedCommit[] {
  const commits = all.slice(4, index - 1)
  commits.push(forgeCommit(commit(index), changes))
  for (const next of all.slice(index, 12)) {
    const { digest } = (commits.at(-1) as EncodedCommit).ref
    commits.push(forgeCommit(next, { previousDigest: digest }))
  }
  return commits
}

const [someRef, ...otherRefs] = commit(8).commit.blocks as [BlockRef, ...BlockRef[]]
const { leader } = commit(8).commit
const someDigest = new Uint8Array(32).fill(9)

interface Case {
  readonly rule: string
  readonly code: VerifyErrorCode
  readonly changes: Partial<CommitChainCheck>
}

function content(rule: string, changes: Partial<Commit>, code: VerifyErrorCode = 'COMMIT_INVALID'): Case {
  return { rule, code, changes: { commits: rangeWith(8, changes) } }
}

const broken: readonly Case[] = [
  { rule: 'no commits', code: 'COMMITS_EMPTY', changes: { commits: [] } },
  { rule: 'more commits than asked for', code: 'COMMITS_TOO_MANY', changes: { end: 11 } },
  { rule: 'a first commit above the start', code: 'COMMITS_WRONG_INDEX', changes: { commits: all.slice(5, 12) } },
  { rule: 'a first commit below the start', code: 'COMMITS_WRONG_INDEX', changes: { commits: all.slice(3, 11) } },
  {
    rule: 'a first commit above the start, before its tip has come',
    code: 'COMMITS_WRONG_INDEX',
    changes: { commits: all.slice(5, 12), tip: undefined, tipTimestampMs: undefined }
  },
  {
    rule: 'a gap',
    code: 'COMMITS_WRONG_INDEX',
    changes: { commits: [...all.slice(4, 7), ...all.slice(8, 12)] }
  },
  {
    rule: 'a commit twice',
    code: 'COMMITS_WRONG_INDEX',
    changes: { commits: [...all.slice(4, 7), ...all.slice(6, 11)] }
  },
  {
    rule: 'commits in another order',
    code: 'COMMITS_WRONG_INDEX',
    changes: { commits: all.slice(4, 12).reverse() }
  },
  {
    rule: 'a first commit that links to something else than the tip',
    code: 'COMMITS_BROKEN_CHAIN',
    changes: { tip: { index: 4, digest: someDigest } }
  },
  {
    rule: 'a commit that links to something else than the one before',
    code: 'COMMITS_BROKEN_CHAIN',
    changes: { commits: all.slice(4, 12).with(3, forgeCommit(commit(8), { previousDigest: someDigest })) }
  },
  {
    rule: 'a commit changed in the middle',
    code: 'COMMITS_BROKEN_CHAIN',
    changes: {
      commits: all.slice(4, 12).with(3, forgeCommit(commit(8), { timestampMs: commit(8).commit.timestampMs + 1 }))
    }
  },
  {
    rule: 'a first commit older than the tip',
    code: 'COMMIT_TIMESTAMP_REGRESSED',
    changes: { tipTimestampMs: commit(5).commit.timestampMs + 1 }
  },
  content(
    'a commit older than the one before',
    { timestampMs: commit(7).commit.timestampMs - 1 },
    'COMMIT_TIMESTAMP_REGRESSED'
  ),
  content('a commit of another epoch', { epoch: 1 }, 'COMMITS_WRONG_EPOCH'),
  content('a commit without blocks', { blocks: [] }),
  content('a block twice', { blocks: [...otherRefs, someRef, someRef] }),
  content('a block of another epoch', { blocks: [{ ...someRef, epoch: 1 }, ...otherRefs] }),
  content('a block by nobody', { blocks: [{ ...someRef, author: 4 }, ...otherRefs] }),
  content('a genesis block', { blocks: [genesisBlockRef(chainId, 0, 1), someRef, ...otherRefs] }),
  content('a block after its leader', { blocks: [{ ...someRef, round: leader.round + 1 }, ...otherRefs] }),
  content('a leader that is not among its blocks', { leader: { ...leader, digest: someDigest } }),
  content("a leader by another author than the block's", { leader: { ...leader, author: (leader.author + 1) % 4 } }),
  content('a leader of another epoch', { leader: { ...leader, epoch: 1 } })
]

describe('the chain of a fetched range', () => {
  test('is accepted as it is, whole, in part, from genesis on, and before its tip has come', () => {
    verifyCommitChain(check())
    verifyCommitChain(check({ commits: all.slice(4, 6) }))
    verifyCommitChain(check({ tip: undefined, tipTimestampMs: undefined }))
    verifyCommitChain(check({ tipTimestampMs: undefined }))
    const tip = genesisCommitRef(chain.genesis)
    verifyCommitChain(check({ commits: all, start: 1, end: 20, tip, tipTimestampMs: chain.genesis.startTimeMs }))
  })

  test('may stand still in time', () => {
    verifyCommitChain(check({ commits: rangeWith(8, { timestampMs: commit(7).commit.timestampMs }) }))
    verifyCommitChain(check({ tipTimestampMs: commit(5).commit.timestampMs }))
  })

  for (const { rule, code, changes } of broken) {
    test(`is refused for ${rule}`, () => {
      assert.throws(() => verifyCommitChain(check(changes)), { code })
    })
  }

  test('asked for in a way that makes no sense, is the fault of the caller', () => {
    assert.throws(() => verifyCommitChain(check({ end: 4 })), RangeError)
    assert.throws(() => verifyCommitChain(check({ tip: commit(5).ref })), RangeError)
    assert.throws(() => verifyCommitChain(check({ epoch: 1 })), RangeError)
  })

  test('refuses no commit of an epoch that the committee is not of, unless it says so itself', () => {
    const next = { ...decodeCommittee(committee.bytes), epoch: 1 }
    const changes = { epoch: 1, committee: next }
    assert.throws(() => verifyCommitChain(check(changes)), { code: 'COMMITS_WRONG_EPOCH' })
  })
})

describe('the link to a tip that came later', () => {
  test('is accepted where it holds', () => {
    verifyLink(commit(4).ref, commit(5))
    verifyLink(commit(4).ref, commit(5), commit(4).commit.timestampMs)
  })

  test('is refused for another index, another digest, and an earlier time', () => {
    assert.throws(() => verifyLink(commit(4).ref, commit(6)), { code: 'COMMITS_WRONG_INDEX' })
    const other = { index: 4, digest: someDigest }
    assert.throws(() => verifyLink(other, commit(5)), { code: 'COMMITS_BROKEN_CHAIN' })
    const later = commit(5).commit.timestampMs + 1
    assert.throws(() => verifyLink(commit(4).ref, commit(5), later), { code: 'COMMIT_TIMESTAMP_REGRESSED' })
  })
})
