import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RpcError, type RpcErrorCode } from '../../src/rpc/rpc-error.ts'
import { CommitServer } from '../../src/state-sync/commit-server.ts'
import type { CommitStore } from '../../src/storage/index.ts'
import { openMemoryStore } from '../../src/storage/index.ts'
import { buildChain, commitAt, storeWriteOf, writeChain } from '../../src/testing/index.ts'

const chain = buildChain({ commits: 120, transactions: 10, transactionBytes: 2_000 })
const { signal } = new AbortController()

async function serving(commits: number, prunedBelow?: number) {
  const store = await openMemoryStore({ genesis: chain.genesis })
  await writeChain(store, chain.commits.slice(0, commits))
  if (prunedBelow !== undefined) await store.prune(prunedBelow)
  return { store, server: new CommitServer({ genesis: chain.genesis, store }) }
}

async function refuses(
  answer: AsyncIterable<unknown> | Promise<unknown>,
  code: RpcErrorCode,
  lowestAvailable?: number
) {
  const all = Symbol.asyncIterator in answer ? Array.fromAsync(answer) : answer
  await assert.rejects(all, (thrown: unknown) => {
    assert.ok(thrown instanceof RpcError)
    assert.deepEqual([thrown.code, thrown.lowestAvailable], [code, lowestAvailable])
    return true
  })
}

async function fetchCommits(server: CommitServer, start: number, end: number) {
  const frames = await Array.fromAsync(server.fetchCommits({ start, end }, signal))
  return {
    commits: frames.flatMap(({ commits }) => commits),
    certifiers: frames.flatMap(({ certifierBlocks }) => certifierBlocks)
  }
}

describe('CommitServer', () => {
  it('serves a range with the certifiers of its last commit', async () => {
    const { server } = await serving(120)
    const { commits, certifiers } = await fetchCommits(server, 11, 110)
    assert.deepEqual(
      commits,
      chain.commits.slice(10, 110).map(({ subDag }) => subDag.commit.bytes)
    )
    assert.deepEqual(certifiers.toSorted(Buffer.compare), commitAt(chain, 110).certifiers.toSorted(Buffer.compare))
  })

  it('serves up to the highest commit that it can prove', async () => {
    const { server, store } = await serving(50)
    await store.write({ commits: storeWriteOf(chain.commits.slice(50, 60)).commits })
    assert.equal((await server.availability()).highestCertifiable, 50)
    assert.equal((await fetchCommits(server, 41, 60)).commits.length, 10)
    await refuses(server.fetchCommits({ start: 51, end: 60 }, signal), 'RPC_NOT_FOUND', 1)
  })

  it('says the lowest available commit for what is pruned, and for what is not there yet', async () => {
    const { server } = await serving(100, 40)
    assert.deepEqual(await server.availability(), { highestCertifiable: 100, lowestAvailable: 40 })
    await refuses(server.fetchCommits({ start: 39, end: 50 }, signal), 'RPC_NOT_FOUND', 40)
    await refuses(server.fetchCommits({ start: 101, end: 101 }, signal), 'RPC_NOT_FOUND', 40)
    await refuses(server.commitInfo({ latest: undefined, index: 5, digest: undefined }), 'RPC_NOT_FOUND', 40)
  })

  it('says so when it pruned in the middle of an answer, rather than prove less than it sent', async () => {
    const { store } = await serving(120)
    const pruning = new Proxy(store, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key, target)
        if (key !== 'readCommits') return typeof value === 'function' ? value.bind(target) : value
        return async function* (...range: Parameters<CommitStore['readCommits']>) {
          let read = 0
          for await (const commit of target.readCommits(...range)) {
            yield commit
            if (++read === 64) await target.prune(90)
          }
        }
      }
    })
    const server = new CommitServer({ genesis: chain.genesis, store: pruning })
    await refuses(server.fetchCommits({ start: 1, end: 100 }, signal), 'RPC_NOT_FOUND', 90)
  })

  it('refuses odd ranges', async () => {
    const { server } = await serving(100)
    const most = Number.MAX_SAFE_INTEGER
    for (const [start, end] of [
      [0, 5],
      [6, 5],
      [1, 101],
      [1, most],
      [most, most - 1]
    ] as const) {
      await refuses(server.fetchCommits({ start, end }, signal), 'RPC_INVALID_REQUEST')
    }
    await refuses(server.fetchBlocks({ refs: [] }, signal), 'RPC_INVALID_REQUEST')
  })

  it('serves blocks in the order asked, in several frames, and leaves out those that it lacks', async () => {
    const { server } = await serving(100)
    const blocks = chain.commits.slice(0, 100).flatMap(({ subDag }) => subDag.blocks)
    const lacking = commitAt(chain, 110).subDag.blocks.map(({ ref }) => ref)
    const refs = blocks.map(({ ref }) => ref)
    const answer = await Array.fromAsync(server.fetchBlocks({ refs: [...lacking, ...refs] }, signal))
    const frames = answer.filter((frame) => frame !== undefined)
    assert.ok(frames.length > 1)
    for (const frame of frames)
      assert.ok(frame.blocks.reduce((sum, { byteLength }) => sum + byteLength, 0) < 1024 * 1024)
    assert.deepEqual(
      frames.flatMap((frame) => frame.blocks),
      blocks.map(({ bytes }) => bytes)
    )
  })

  it('lets others have their turn while it looks for blocks in vain', async () => {
    const { server } = await serving(100)
    const [some] = commitAt(chain, 110).subDag.blocks
    assert.ok(some !== undefined)
    const refs = Array.from({ length: 640 }, (_, round) => ({ ...some.ref, round: round + 1 }))
    assert.deepEqual(
      await Array.fromAsync(server.fetchBlocks({ refs }, signal)),
      Array.from({ length: 10 }, () => undefined)
    )
  })

  it('tells commits by index, digest and as the latest, and the chain id as commit 0', async () => {
    const { server } = await serving(100)
    const none = { latest: undefined, index: undefined, digest: undefined }
    const { ref } = commitAt(chain, 7).subDag.commit
    assert.deepEqual(await server.commitInfo({ ...none, index: 7 }), { commit: ref })
    assert.deepEqual(await server.commitInfo({ ...none, digest: ref.digest }), { commit: ref })
    assert.equal((await server.commitInfo({ ...none, latest: true })).commit.index, 100)
    assert.deepEqual(await server.commitInfo({ ...none, index: 0 }), {
      commit: { index: 0, digest: chain.genesis.chainId }
    })
    await refuses(server.commitInfo(none), 'RPC_INVALID_REQUEST')
    await refuses(server.commitInfo({ ...none, index: 7, latest: true }), 'RPC_INVALID_REQUEST')
    await refuses(server.commitInfo({ ...none, digest: chain.genesis.stateHash }), 'RPC_NOT_FOUND', 1)
  })
})
