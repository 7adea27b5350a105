import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { blockRefKey } from '../../src/consensus/block-ref.ts'
import { type Commit, decodeCommit } from '../../src/consensus/commit.ts'
import { digestOf } from '../../src/consensus/digest.ts'
import { decodeSignedBlock } from '../../src/consensus/signed-block.ts'
import { RpcError } from '../../src/rpc/rpc-error.ts'
import type { FetchBlocksResponse, FetchCommitsRequest, FetchCommitsResponse } from '../../src/state-sync/messages.ts'
import { pushCommit } from '../../src/state-sync/protocols.ts'
import {
  type ByzantineScript,
  breakSignature,
  buildChain,
  commitAt,
  flipBit,
  forgeBlock,
  forgeCommit,
  forgeSubDag,
  forkChain,
  type RawExchange,
  replaceCommit,
  votesFor
} from '../../src/testing/index.ts'
import { assertSyncIsWell } from './assert-sync-is-well.ts'
import { assertHalted, haltStore } from './meet-halt.ts'
import { Meeting, patience } from './meet-liar.ts'

type RpcErrorDetails = ConstructorParameters<typeof RpcError>[2]

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

function refusal(code: 'RPC_NOT_FOUND' | 'RPC_RATE_LIMITED', details: RpcErrorDetails): ByzantineScript {
  const refuse = () => Promise.reject(new RpcError(code, 'no', details))
  return { fetchCommits: { answer: () => ({ [Symbol.asyncIterator]: () => ({ next: refuse }) }) } }
}

async function* only<T>(value: T): AsyncGenerator<T> {
  yield value
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
    code: 'BLOCK_WRONG_REF',
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
      const [first, second] = blocks.map((bytes) => decodeSignedBlock(bytes))
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

describe('what was good in a bad answer is kept', () => {
  it('holds up nothing where a liar shows more of the chain than others have, and no blocks', async () => {
    const script = blocksLie((blocks) => blocks.toReversed())
    await using meeting = await Meeting.begin(chain, { script })
    const { network, victim, liar } = meeting
    await liar.disconnectedFrom(victim.peerId, { signal: patience() })
    await network.start({ validator: 0, commits: MIDDLE, seeds: [victim] })
    await network.reached(victim, MIDDLE, { signal: patience() })
    await meeting.assertStoredIsTrue()
    assert.equal(meeting.stored, MIDDLE)
  })

  it('the certified prefix, with its blocks', async () => {
    const script = commitsLie((_, { start }) => {
      if (start > 1) throw new RpcError('RPC_UNAVAILABLE', 'no more') // a second lie would end the connection before the blocks are there
      return { certifierBlocks: commitAt(chain, MIDDLE).certifiers }
    })
    await using meeting = await Meeting.begin(chain, { script })
    const report = await meeting.reports.of(meeting.liar, 'CERTIFIER_NO_VOTE')
    assert.equal(report.consequence, 'ban')
    await meeting.network.reached(meeting.victim, MIDDLE, { signal: patience() })
    assert.equal(meeting.stored, MIDDLE)
    assert.equal(meeting.victim.store.watermarks.highestCertifiable, MIDDLE)
    await meeting.recover()
  })

  it('the blocks before one that is missing', async () => {
    const script = blocksLie((blocks) => blocks.slice(0, -1))
    await using meeting = await Meeting.begin(chain, { script })
    const report = await meeting.reports.of(meeting.liar, 'BLOCKS_MISSING')
    assert.equal(report.consequence, 'penalty')
    await meeting.network.reached(meeting.victim, COMMITS - 1, { signal: patience() })
    assert.equal(meeting.stored, COMMITS - 1)
    await meeting.recover()
  })

  it('the blocks before one that is false, in the frame before', async () => {
    const script: ByzantineScript = {
      fetchBlocks: {
        async *answer(honest) {
          for await (const { blocks } of honest) {
            yield { blocks: blocks.slice(0, 60) }
            yield { blocks: blocks.slice(60).map((bytes) => breakSignature(decodeSignedBlock(bytes)).bytes) }
          }
        }
      }
    }
    await using meeting = await Meeting.begin(chain, { script })
    await meeting.reports.of(meeting.liar, 'BLOCK_WRONG_REF')
    await meeting.network.reached(meeting.victim, 10, { signal: patience() })
    assert.ok(meeting.stored < COMMITS)
    await meeting.assertStoredIsTrue()
    await meeting.recover()
  })
})

describe('a peer that gives nothing is asked no more than it is worth', () => {
  const nothing: Record<string, { code: string; script: ByzantineScript }> = {
    'an answer without commits': {
      code: 'COMMITS_EMPTY',
      script: commitsLie(() => ({ commits: [], certifierBlocks: [] }))
    },
    'an answer without a frame': {
      code: 'COMMITS_EMPTY',
      script: { fetchCommits: { async *answer() {} } }
    },
    'an answer without blocks': { code: 'BLOCKS_MISSING', script: blocksLie(() => []) },
    'not found, whatever is asked': { code: 'RPC_NOT_FOUND', script: refusal('RPC_NOT_FOUND', { lowestAvailable: 1 }) },
    'pruned, beyond anything': {
      code: 'RPC_NOT_FOUND',
      script: refusal('RPC_NOT_FOUND', { lowestAvailable: Number.MAX_SAFE_INTEGER })
    },
    'come again, in some millennia': {
      code: 'RPC_RATE_LIMITED',
      script: refusal('RPC_RATE_LIMITED', { retryAfterMs: Number.MAX_SAFE_INTEGER })
    }
  }
  for (const [name, { code, script }] of Object.entries(nothing)) {
    it(`${name}: ${code}`, async () => {
      await using meeting = await Meeting.begin(chain, { script })
      const report = await meeting.reports.of(meeting.liar, code)
      assert.notEqual(report.consequence, 'none')
      assert.equal(meeting.stored, 0)
      await meeting.recover()
      const { liar } = meeting
      const asked = liar.asked('fetchCommits') + liar.asked('fetchBlocks')
      assert.ok(asked <= 4, `asked ${asked} times`)
      await assertSyncIsWell(meeting.victim)
    })
  }
})

describe('an honest peer that is behind', () => {
  it('is not asked, nor blamed, for blocks beyond what it has', async () => {
    const { promise: asked, resolve } = Promise.withResolvers<void>()
    const withheld = async ({ stream }: RawExchange) => {
      resolve()
      stream.abort(new Error('no'))
    }
    await using meeting = await Meeting.begin(chain, { script: { fetchBlocks: { stream: withheld } } })
    await asked // all 40 commits are certified now
    const { network, victim, reports } = meeting
    const behind = await network.start({ validator: 1, commits: MIDDLE, seeds: [victim] })
    const other = await network.start({ seeds: [behind] })
    await network.reached(other, MIDDLE, { signal: patience() }) // by then the victim has heard of it as well
    await meeting.recover()
    assert.deepEqual(
      reports.all.filter(({ peerId }) => peerId.equals(behind.peerId)),
      []
    )
  })
})

describe('a claim moves nothing but its own row', () => {
  it('2^53 - 1 commits: the true ones are taken, and those of others too', async () => {
    const long = buildChain({ commits: 150 })
    const claim = { highestCertifiable: Number.MAX_SAFE_INTEGER, lowestAvailable: 1 }
    await using meeting = await Meeting.begin(long, {
      chain: { genesis: long.genesis, commits: long.commits.slice(0, 120) },
      script: { getCommitAvailability: { answer: () => only(claim) } }
    })
    await meeting.reports.of(meeting.liar, 'RPC_NOT_FOUND')
    await meeting.recover()
    await assertSyncIsWell(meeting.victim)
    assert.ok(meeting.reports.all.every(({ consequence }) => consequence === 'backoff'))
  })

  it('a push of commit 2^53 - 1, and of the truth afterwards', async () => {
    await using meeting = await Meeting.begin(chain, {
      script: { getCommitAvailability: { answer: () => only({ highestCertifiable: 0, lowestAvailable: 1 }) } }
    })
    const { liar, victim, reports } = meeting
    const ref = { index: Number.MAX_SAFE_INTEGER, digest: new Uint8Array(32) }
    await liar.libp2p.services.rpc.call(victim.peerId, pushCommit, { commit: ref, lowestAvailable: COMMITS + 1 })
    await liar.libp2p.services.rpc.call(victim.peerId, pushCommit, { commit: last.ref, lowestAvailable: 1 })
    await meeting.recover()
    assert.ok(reports.all.every(({ consequence }) => consequence !== 'ban'))
  })

  it('lowest above highest: it counts as having nothing', async () => {
    await using meeting = await Meeting.begin(chain, {
      script: {
        getCommitAvailability: { answer: () => only({ highestCertifiable: COMMITS, lowestAvailable: COMMITS + 1 }) }
      }
    })
    await meeting.recover()
    assert.ok(meeting.liar.asked('getCommitAvailability') > 0)
    assert.equal(meeting.liar.asked('fetchCommits'), 0)
  })
})

describe('a peer of another chain', () => {
  const foreign: ByzantineScript = {
    getCommitInfo: { answer: () => only({ commit: { index: 0, digest: new Uint8Array(32).fill(7) } }) }
  }

  it('that speaks the protocols of this one is banned before it is asked for anything', async () => {
    await using meeting = await Meeting.begin(chain, { script: foreign })
    const report = await meeting.reports.of(meeting.liar, 'SYNC_WRONG_CHAIN')
    assert.equal(report.consequence, 'ban')
    await meeting.liar.disconnectedFrom(meeting.victim.peerId, { signal: patience() })
    await meeting.recover()
    assert.equal(meeting.liar.asked('getCommitAvailability'), 0)
    assert.equal(meeting.liar.asked('fetchCommits'), 0)
  })

  it('that calls another commit its genesis is banned too', async () => {
    await using meeting = await Meeting.begin(chain, {
      script: { getCommitInfo: { answer: () => only({ commit: { index: 1, digest: chain.genesis.chainId } }) } }
    })
    await meeting.reports.of(meeting.liar, 'SYNC_WRONG_CHAIN')
    await meeting.recover()
  })

  it('that the operator chose stays connected, and is never asked for anything', async () => {
    await using meeting = await Meeting.begin(chain, { script: foreign }, { isSeed: true })
    const report = await meeting.reports.of(meeting.liar, 'SYNC_WRONG_CHAIN')
    assert.deepEqual(
      { consequence: report.consequence, spared: report.spared },
      { consequence: 'backoff', spared: true }
    )
    await meeting.recover()
    assert.equal(meeting.liar.asked('fetchCommits'), 0)
    assert.equal(meeting.liar.libp2p.getConnections(meeting.victim.peerId).length, 1)
  })
})

describe('a liar that the operator chose', () => {
  it('is reported, not banned, and another serves the truth', async () => {
    const script = blocksLie((blocks) => blocks.toReversed())
    await using meeting = await Meeting.begin(chain, { script }, { isSeed: true })
    const report = await meeting.reports.of(meeting.liar, 'BLOCK_WRONG_REF')
    assert.deepEqual(
      { consequence: report.consequence, spared: report.spared },
      { consequence: 'backoff', spared: true }
    )
    assert.equal(meeting.stored, 0)
    await meeting.recover()
    assert.equal(meeting.liar.libp2p.getConnections(meeting.victim.peerId).length, 1)
  })
})

describe('a valid quorum behind what is wrong halts the sync, bans nobody and keeps the evidence', () => {
  const bad = commitAt(chain, MIDDLE).subDag
  const [victimBlock] = bad.blocks
  assert.ok(victimBlock)

  it('a fork of what is stored', async (context) => {
    const fork = forkChain(chain, { after: 10, commits: COMMITS })
    const halt = await haltStore(context, chain.genesis)
    await using meeting = await Meeting.begin(chain, { chain: fork }, { commits: MIDDLE, store: halt.store })
    const record = await halt.record
    await assertHalted(meeting, record, 'SYNC_FORK')
    assert.equal(meeting.stored, MIDDLE)
    await meeting.assertStoredIsTrue()
    const first = decodeCommit(new Uint8Array(Buffer.from(record.commits[0] ?? '', 'base64')))
    assert.deepEqual(first.ref, commitAt(fork, MIDDLE + 1).subDag.commit.ref)
  })

  it('a block that no verifier takes', async (context) => {
    const halt = await haltStore(context, chain.genesis)
    const blocks = bad.blocks.map((block) => (block === victimBlock ? breakSignature(block) : block))
    const commits = replaceCommit(chain, MIDDLE, forgeSubDag(commitAt(chain, MIDDLE - 1).subDag.commit.ref, blocks))
    const liar = { chain: { genesis: chain.genesis, commits } }
    await using meeting = await Meeting.begin(chain, liar, { store: halt.store })
    const record = await halt.record
    await assertHalted(meeting, record, 'SYNC_CERTIFIED_DATA_REFUSED')
    assert.ok(meeting.stored < MIDDLE)
    await meeting.assertStoredIsTrue()
    assert.deepEqual(record.blocks, [Buffer.from(breakSignature(victimBlock).bytes).toString('base64')])
  })

  it('bytes that are no block at all', async (context) => {
    const halt = await haltStore(context, chain.genesis)
    const garbage = new Uint8Array(100).fill(255)
    const digest = digestOf('block', garbage)
    const blocks = bad.commit.commit.blocks.map((ref, position) => (position === 0 ? { ...ref, digest } : ref))
    const commits = replaceCommit(chain, MIDDLE, { ...bad, commit: forgeCommit(bad.commit, { blocks }) })
    const script: ByzantineScript = {
      fetchCommits: {
        async *answer() {
          yield {
            commits: commits.map(({ subDag }) => subDag.commit.bytes),
            certifierBlocks: commits.at(-1)?.certifiers ?? []
          }
        }
      },
      fetchBlocks: {
        async *answer(_, { refs }) {
          const bytesOf = new Map(
            chain.commits.flatMap(({ subDag }) => subDag.blocks.map((block) => [blockRefKey(block.ref), block.bytes]))
          )
          yield { blocks: refs.map((ref) => bytesOf.get(blockRefKey(ref)) ?? garbage) }
        }
      }
    }
    await using meeting = await Meeting.begin(chain, { script }, { store: halt.store })
    await assertHalted(meeting, await halt.record, 'SYNC_CERTIFIED_DATA_REFUSED')
    await meeting.assertStoredIsTrue()
  })

  it('a commit that no honest committee makes', async (context) => {
    const halt = await haltStore(context, chain.genesis)
    const invalid = {
      ...bad,
      commit: forgeCommit(bad.commit, { blocks: [victimBlock.ref, ...bad.commit.commit.blocks] })
    }
    const commits = replaceCommit(chain, MIDDLE, invalid)
    const script = commitsLie(() => ({
      commits: commits.map(({ subDag }) => subDag.commit.bytes),
      certifierBlocks: commits.at(-1)?.certifiers ?? []
    }))
    await using meeting = await Meeting.begin(chain, { script }, { store: halt.store })
    await assertHalted(meeting, await halt.record, 'SYNC_CERTIFIED_DATA_REFUSED')
    assert.equal(meeting.stored, 0)
  })

  it('and the node goes on serving what it has', async (context) => {
    const fork = forkChain(chain, { after: 10, commits: COMMITS })
    const halt = await haltStore(context, chain.genesis)
    await using meeting = await Meeting.begin(chain, { chain: fork }, { commits: MIDDLE, store: halt.store })
    await halt.record
    await meeting.liar.stop()
    const newcomer = await meeting.network.start({ seeds: [meeting.victim] })
    await meeting.network.reached(newcomer, MIDDLE, { signal: patience() })
  })
})
