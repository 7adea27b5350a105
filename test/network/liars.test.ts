import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Commit, decodeCommit } from '../../src/consensus/commit.ts'
import { decodeSignedBlock } from '../../src/consensus/signed-block.ts'
import type { FetchBlocksResponse, FetchCommitsRequest, FetchCommitsResponse } from '../../src/state-sync/messages.ts'
import {
  type ByzantineScript,
  breakSignature,
  buildChain,
  commitAt,
  flipBit,
  forgeBlock,
  forgeCommit,
  votesFor
} from '../../src/testing/index.ts'
import { Meeting, patience } from './meet-liar.ts'

const COMMITS = 40
const chain = buildChain({ commits: COMMITS })
/** In the middle of the one range that the chain makes. */
const MIDDLE = 20

/** A lie about the whole answer to FetchCommits, which comes in frames. */
function commitsLie(
  lie: (honest: FetchCommitsResponse, request: FetchCommitsRequest) => Partial<FetchCommitsResponse>
): ByzantineScript {
  return {
    fetchCommits: {
      async *answer(honest, request) {
        const frames = await Array.fromAsync(honest)
        const whole = {
          commits: frames.flatMap((frame) => frame.commits),
          certifierBlocks: frames.flatMap((frame) => frame.certifierBlocks)
        }
        yield { ...whole, ...lie(whole, request) }
      }
    }
  }
}

/** A lie about one commit: the middle one, or the last. */
function commitLie(index: number, changes: Partial<Commit>): ByzantineScript {
  return commitsLie(({ commits }) => ({
    commits: commits.map((bytes) => {
      const commit = decodeCommit(bytes)
      return commit.ref.index === index ? forgeCommit(commit, changes).bytes : bytes
    })
  }))
}

/** A lie about the certifier blocks. */
function certifiersLie(lie: (blocks: readonly Uint8Array[]) => readonly Uint8Array[]): ByzantineScript {
  return commitsLie(({ certifierBlocks }) => ({ certifierBlocks: lie(certifierBlocks) }))
}

/** A lie about the answer to FetchBlocks, frame by frame. */
function blocksLie(lie: (blocks: readonly Uint8Array[]) => readonly Uint8Array[]): ByzantineScript {
  return {
    fetchBlocks: {
      async *answer(honest) {
        for await (const frame of honest) yield { blocks: lie(frame.blocks) } satisfies FetchBlocksResponse
      }
    }
  }
}

function replaced<T>(items: readonly T[], position: number, change: (item: T) => T): T[] {
  return items.map((item, index) => (index === position ? change(item) : item))
}

const last = commitAt(chain, COMMITS).subDag.commit
const middle = commitAt(chain, MIDDLE).subDag.commit
const other = forgeCommit(last, { timestampMs: last.commit.timestampMs + 1 })

/** What a peer says, and what it is told apart by. Each is banned, and nothing that it said is stored. */
const BANNED: Record<string, { code: string; script: ByzantineScript }> = {
  // blocks
  'a block that is not the one asked for': {
    code: 'BLOCK_WRONG_REF',
    script: blocksLie((blocks) =>
      replaced(blocks, 5, (bytes) => forgeBlock(chain, decodeSignedBlock(bytes), { timestampMs: 1 }).bytes)
    )
  },
  'a block with a broken signature, and so with another digest': {
    code: 'BLOCK_WRONG_REF',
    script: blocksLie((blocks) => replaced(blocks, 5, (bytes) => breakSignature(decodeSignedBlock(bytes)).bytes))
  },
  'a block twice': {
    code: 'BLOCK_WRONG_REF',
    script: blocksLie((blocks) => blocks.flatMap((block) => [block, block]))
  },
  'blocks in another order': { code: 'BLOCK_WRONG_REF', script: blocksLie((blocks) => blocks.toReversed()) },
  'bytes that are no block': {
    code: 'BLOCK_MALFORMED',
    script: blocksLie((blocks) => replaced(blocks, 5, () => new Uint8Array(100).fill(255)))
  },
  // the chain of commits
  'a broken chain': {
    code: 'COMMITS_BROKEN_CHAIN',
    script: commitLie(MIDDLE, { previousDigest: flipBit(middle.commit.previousDigest, 0) })
  },
  'a changed commit in the middle': {
    code: 'COMMITS_BROKEN_CHAIN',
    script: commitLie(MIDDLE, { timestampMs: middle.commit.timestampMs + 1 })
  },
  'a wrong index': {
    code: 'COMMITS_WRONG_INDEX',
    script: commitsLie(({ commits }) => ({ commits: commits.slice(1) }))
  },
  'a gap': {
    code: 'COMMITS_WRONG_INDEX',
    script: commitsLie(({ commits }) => ({ commits: commits.toSpliced(MIDDLE, 1) }))
  },
  'more commits than asked': {
    code: 'COMMITS_TOO_MANY',
    script: commitsLie(({ commits }) => ({ commits: [...commits, ...commits.slice(-1)] }))
  },
  'another epoch': { code: 'COMMITS_WRONG_EPOCH', script: commitLie(COMMITS, { epoch: 1 }) },
  'a commit that has a block twice': {
    code: 'COMMIT_INVALID',
    script: commitLie(COMMITS, { blocks: [...last.commit.blocks, ...last.commit.blocks] })
  },
  'time that runs backwards': { code: 'COMMIT_TIMESTAMP_REGRESSED', script: commitLie(COMMITS, { timestampMs: 1 }) },
  'bytes that are no commit': {
    code: 'COMMIT_MALFORMED',
    script: commitsLie(({ commits }) => ({ commits: replaced(commits, MIDDLE, () => Uint8Array.of(255, 255)) }))
  },
  // certification
  'a commit that nobody voted for': {
    code: 'CERTIFIER_NO_VOTE',
    script: commitLie(COMMITS, { timestampMs: other.commit.timestampMs })
  },
  'votes for another digest': {
    code: 'CERTIFIER_NO_VOTE',
    script: certifiersLie(() => votesFor(chain, other.ref).map(({ bytes }) => bytes))
  },
  'votes for another index': {
    code: 'CERTIFIER_NO_VOTE',
    script: certifiersLie(() => votesFor(chain, { ...last.ref, index: last.ref.index + 1 }).map(({ bytes }) => bytes))
  },
  'too few votes': { code: 'CERTIFIERS_WITHOUT_QUORUM', script: certifiersLie((blocks) => blocks.slice(1)) },
  'no votes': { code: 'CERTIFIERS_WITHOUT_QUORUM', script: certifiersLie(() => []) },
  'a certifier twice': {
    code: 'CERTIFIER_DUPLICATE_AUTHOR',
    script: certifiersLie((blocks) => [...blocks.slice(1), ...blocks.slice(1, 2)])
  },
  'two votes of one author': {
    code: 'CERTIFIER_DUPLICATE_AUTHOR',
    script: certifiersLie((blocks) => {
      const [first, second] = blocks.map(decodeSignedBlock)
      assert.ok(first && second)
      return [first.bytes, second.bytes, forgeBlock(chain, first, { timestampMs: first.block.timestampMs + 1 }).bytes]
    })
  },
  'a certifier with a bad signature': {
    code: 'BLOCK_BAD_SIGNATURE',
    script: certifiersLie((blocks) => replaced(blocks, 1, (bytes) => breakSignature(decodeSignedBlock(bytes)).bytes))
  },
  'a certifier signed by another validator': {
    code: 'BLOCK_BAD_SIGNATURE',
    script: certifiersLie((blocks) =>
      replaced(blocks, 1, (bytes) => {
        const block = decodeSignedBlock(bytes)
        return forgeBlock(chain, block, {}, { signer: (block.ref.author + 1) % 4 }).bytes
      })
    )
  },
  'a certifier of another epoch': {
    code: 'CERTIFIER_WRONG_EPOCH',
    script: certifiersLie((blocks) =>
      replaced(blocks, 0, (bytes) => forgeBlock(chain, decodeSignedBlock(bytes), { epoch: 1 }).bytes)
    )
  },
  'more certifiers than there are validators': {
    code: 'CERTIFIERS_TOO_MANY',
    script: certifiersLie((blocks) => [...blocks, ...blocks])
  }
}

describe('a peer that lies is told apart, banned and disconnected; another serves the truth', () => {
  for (const [name, { code, script }] of Object.entries(BANNED)) {
    it(`${name}: ${code}`, async () => {
      await using meeting = await Meeting.begin(chain, { script })
      const report = await meeting.reports.of(meeting.liar, code)
      assert.equal(report.consequence, 'ban')
      await meeting.liar.disconnectedFrom(meeting.victim.peerId, { signal: patience() })
      await meeting.assertStoredIsTrue()
      assert.equal(meeting.stored, 0)
      await meeting.recover()
    })
  }
})
