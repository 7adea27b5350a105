import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type BlockRef, blockRefsEqual } from '../../src/consensus/block-ref.ts'
import { BlockRefMap } from '../../src/consensus/block-ref-map.ts'
import type { CommittedSubDag } from '../../src/consensus/committed-sub-dag.ts'
import { digestOf } from '../../src/consensus/digest.ts'
import { type SignedBlock, trustBlock } from '../../src/consensus/signed-block.ts'
import { errorCode } from '../../src/runtime/soma-error.ts'
import type { CertifiedSubDag } from '../../src/state-sync/certified-sub-dag.ts'
import { CommittedTimestamps } from '../../src/state-sync/committed-timestamps.ts'
import type { FetchBlocksResponse, FetchCommitsResponse } from '../../src/state-sync/messages.ts'
import type { CompleteCommit } from '../../src/state-sync/range.ts'
import { assemble } from '../../src/state-sync/stages/assemble.ts'
import { fetchBlocks } from '../../src/state-sync/stages/fetch-blocks.ts'
import { fetchCommits } from '../../src/state-sync/stages/fetch-commits.ts'
import { store } from '../../src/state-sync/stages/store.ts'
import { verifyBlocks } from '../../src/state-sync/stages/verify-blocks.ts'
import { verifyCommits } from '../../src/state-sync/stages/verify-commits.ts'
import type { CertifiedRange, FetchedBlocks, FetchedCommits, RangeRequest } from '../../src/state-sync/work.ts'
import { buildChain, commitAt, forgeCommit } from '../../src/testing/index.ts'
import { randomPeer } from './random-peer.ts'

const chain = buildChain({ commits: 12 })
const peer = await randomPeer()

function request(start: number, end: number, changes: Partial<RangeRequest> = {}): RangeRequest {
  return { peer, start, end, certified: undefined, hasBlock: () => false, hold: async () => {}, ...changes }
}

async function* items<T>(...values: T[]): AsyncGenerator<T> {
  yield* values
}

async function rejectsWith(code: string, iterable: AsyncIterable<unknown>): Promise<void> {
  await assert.rejects(Array.fromAsync(iterable), (thrown: unknown) => errorCode(thrown) === code)
}

const commitBytes = (start: number, end: number) =>
  chain.commits.slice(start - 1, end).map(({ subDag }) => subDag.commit.bytes)
const blocksOf = (start: number, end: number) =>
  chain.commits.slice(start - 1, end).flatMap(({ subDag }) => subDag.blocks)
const certifiedRange = (start: number, end: number, changes: Partial<RangeRequest> = {}): CertifiedRange => ({
  request: request(start, end, changes),
  certified: { commits: chain.commits.slice(start - 1, end).map(({ subDag }) => subDag.commit), certifiers: [] }
})

describe('fetchCommits', () => {
  const stage = (...frames: FetchCommitsResponse[]) =>
    fetchCommits({ maxCertifiers: () => 4, fetch: () => items(...frames) })

  it('gathers the commits and certifier blocks of all frames, and holds their bytes', async () => {
    let held = 0
    const hold = async (bytes: number) => {
      held += bytes
    }
    const { certifiers } = commitAt(chain, 6)
    const frames = [
      { commits: commitBytes(1, 4), certifierBlocks: [] },
      { commits: commitBytes(5, 6), certifierBlocks: certifiers.slice(0, 1) },
      { commits: [], certifierBlocks: certifiers.slice(1) }
    ]
    const [fetched] = (await Array.fromAsync(stage(...frames)(items(request(1, 6, { hold }))))) as FetchedCommits[]
    assert.deepEqual(
      fetched?.commits.map(({ ref }) => ref.index),
      [1, 2, 3, 4, 5, 6]
    )
    assert.equal(fetched?.certifiers.length, certifiers.length)
    assert.equal(
      held,
      [...commitBytes(1, 6), ...certifiers].reduce((sum, { byteLength }) => sum + byteLength, 0)
    )
  })

  it('refuses more commits than asked, before it reads them', async () => {
    await rejectsWith(
      'COMMITS_TOO_MANY',
      stage({ commits: commitBytes(1, 6), certifierBlocks: [] })(items(request(1, 5)))
    )
  })

  it('refuses certifier blocks without an end', async () => {
    const block = commitAt(chain, 1).certifiers[0] ?? new Uint8Array()
    const frame = { commits: [], certifierBlocks: Array.from({ length: 3 }, () => block) }
    await rejectsWith('CERTIFIERS_TOO_MANY', stage(frame, frame)(items(request(1, 5))))
  })

  it('refuses a commit that does not decode', async () => {
    const frame = { commits: [new Uint8Array([255, 255])], certifierBlocks: [] }
    await rejectsWith('COMMIT_MALFORMED', stage(frame)(items(request(1, 5))))
  })

  it('asks for nothing where the commits are certified already', async () => {
    const { certified } = certifiedRange(1, 3)
    const asked = request(1, 3, { certified })
    assert.deepEqual(await Array.fromAsync(stage()(items(asked))), [asked])
  })
})

describe('verifyCommits', () => {
  it('lets the certified prefix go on before it throws what the rest deserves', async () => {
    const fetched: FetchedCommits = { request: request(1, 6), commits: [], certifiers: [] }
    const { certified } = certifiedRange(1, 3)
    const stage = verifyCommits({ certify: async () => ({ certified, error: new RangeError('the rest') }) })
    const results = stage(items<FetchedCommits | RangeRequest>(fetched))
    assert.deepEqual((await results.next()).value, { request: fetched.request, certified })
    await assert.rejects(results.next(), RangeError)
  })
})

describe('fetchBlocks', () => {
  const stage = (...frames: FetchBlocksResponse[]) => fetchBlocks({ fetch: () => items(...frames) })
  const bytesOf = (blocks: readonly SignedBlock[]) => blocks.map(({ bytes }) => bytes)

  it('passes the certified commits on first, then the blocks frame by frame', async () => {
    const blocks = blocksOf(1, 3)
    const results = await Array.fromAsync(
      stage({ blocks: bytesOf(blocks.slice(0, 5)) }, { blocks: bytesOf(blocks.slice(5)) })(items(certifiedRange(1, 3)))
    )
    assert.deepEqual(
      results.map(({ kind }) => kind),
      ['certified', 'blocks', 'blocks']
    )
    const got = results.flatMap((result) => (result.kind === 'blocks' ? result.blocks : []))
    assert.deepEqual(
      got.map(({ ref }) => ref),
      blocks.map(({ ref }) => ref)
    )
  })

  it('asks only for what an earlier attempt did not leave', async () => {
    const [first, ...rest] = blocksOf(1, 2)
    const asked: BlockRef[] = []
    const only = fetchBlocks({
      fetch: (_, refs) => {
        asked.push(...refs)
        return items({ blocks: bytesOf(rest) })
      }
    })
    await Array.fromAsync(
      only(items(certifiedRange(1, 2, { hasBlock: (ref) => first !== undefined && blockRefsEqual(ref, first.ref) })))
    )
    assert.deepEqual(
      asked,
      rest.map(({ ref }) => ref)
    )
  })

  it('refuses a block that was not asked for', async () => {
    await rejectsWith('BLOCK_WRONG_REF', stage({ blocks: bytesOf(blocksOf(4, 4)) })(items(certifiedRange(1, 3))))
  })

  it('refuses a block that comes twice', async () => {
    const [first] = bytesOf(blocksOf(1, 1))
    assert.ok(first)
    await rejectsWith('BLOCK_WRONG_REF', stage({ blocks: [first, first] })(items(certifiedRange(1, 1))))
  })

  it('blames no peer for what a quorum certified: bytes that are no block, or a block that its reference misnames', async () => {
    const { certified } = certifiedRange(1, 1)
    const [commit] = certified.commits
    const [block] = blocksOf(1, 1)
    assert.ok(commit && block)
    const garbage = new Uint8Array(100)
    const refs = [
      [{ ...block.ref, digest: digestOf('block', garbage) }, garbage],
      [{ ...block.ref, round: block.ref.round + 1 }, block.bytes]
    ] as const
    for (const [ref, bytes] of refs) {
      const certifiedSo = { commits: [forgeCommit(commit, { blocks: [ref] })], certifiers: [] }
      await rejectsWith(
        'SYNC_CERTIFIED_DATA_REFUSED',
        stage({ blocks: [bytes] })(items({ request: request(1, 1), certified: certifiedSo }))
      )
    }
  })

  it('says what is missing, after it has passed on what came', async () => {
    const results = stage({ blocks: bytesOf(blocksOf(1, 2)) })(items(certifiedRange(1, 3)))
    await results.next()
    const { value } = await results.next()
    assert.equal(value.kind, 'blocks')
    await assert.rejects(results.next(), (thrown: unknown) => errorCode(thrown) === 'BLOCKS_MISSING')
  })
})

describe('verifyBlocks', () => {
  it('verifies ahead, and keeps the order', async () => {
    const order: number[] = []
    const releases: (() => void)[] = []
    const stage = verifyBlocks({
      ahead: 1,
      verify: async (blocks) => {
        order.push(blocks.length)
        if (blocks.length === 1) await new Promise<void>((resolve) => releases.push(resolve))
        else releases.pop()?.()
        return blocks.map(trustBlock)
      }
    })
    const batches: FetchedBlocks[] = [
      { kind: 'blocks', blocks: blocksOf(1, 1).slice(0, 1) },
      { kind: 'blocks', blocks: blocksOf(2, 3) }
    ]
    const results = await Array.fromAsync(stage(items(...batches))) // the first is verified only once the second has begun
    assert.deepEqual(
      results.map((result) => (result.kind === 'blocks' ? result.blocks.length : 0)),
      order
    )
  })
})

describe('assemble and store', () => {
  const complete = (index: number): CompleteCommit => {
    const { subDag } = commitAt(chain, index)
    return {
      commit: subDag.commit,
      blocks: new BlockRefMap(subDag.blocks.map((block) => [block.ref, block])),
      certifiers: [],
      budgetBytes: 10
    }
  }

  it('hand over sub-DAGs in commit order, then give their bytes back', async () => {
    const timestamps = new CommittedTimestamps()
    const stored: CommittedSubDag[] = []
    let released = 0
    const run = { commits: [complete(1), complete(2)], budgetBytes: 20 }
    const assembled = assemble({ assemble: (commit) => timestamps.assemble(commit) })(items(run))
    await store({
      append: async (commits: readonly CertifiedSubDag[]) => {
        assert.equal(released, 0)
        stored.push(...commits.map(({ subDag }) => subDag))
      },
      release: (bytes) => {
        released += bytes
      }
    })(assembled)
    assert.deepEqual(stored, [commitAt(chain, 1).subDag, commitAt(chain, 2).subDag])
    assert.equal(released, 20)
  })

  it('compare timestamps with those of the commit before, though neither is stored yet', () => {
    const timestamps = new CommittedTimestamps()
    const { blocks } = commitAt(chain, 5).subDag
    const late = blocks.map((block) => ({ ...block, block: { ...block.block, timestampMs: 9e15 } }))
    const first = { ...complete(5), blocks: new BlockRefMap(late.map((block) => [block.ref, trustBlock(block)])) }
    timestamps.assemble(first)
    const refused = (thrown: unknown) => errorCode(thrown) === 'SYNC_CERTIFIED_DATA_REFUSED'
    assert.throws(() => timestamps.assemble(complete(6)), refused)
  })

  it('halts on a certified commit that breaks a rule', () => {
    const broken = { ...complete(3), blocks: new Map() }
    assert.throws(
      () => new CommittedTimestamps().assemble(broken),
      (thrown: unknown) => errorCode(thrown) === 'SYNC_CERTIFIED_DATA_REFUSED'
    )
  })
})
