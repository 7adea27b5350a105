import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { Genesis } from '../../src/consensus/genesis.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { toHex } from '../../src/runtime/hex.ts'
import { randomInteger, seededRandom } from '../../src/runtime/random.ts'
import { ChainFileError } from '../../src/state-sync/chain-file.ts'
import { exportChain } from '../../src/state-sync/export-chain.ts'
import { type ImportChainInit, type ImportResult, importChain } from '../../src/state-sync/import-chain.ts'
import type { CommitStore } from '../../src/storage/commit-store.ts'
import { openLevelStore } from '../../src/storage/level-store.ts'
import { openMemoryStore } from '../../src/storage/memory-store.ts'
import { buildChain, forkChain } from '../../src/testing/chain-builder.ts'
import { changingValidators } from '../../src/testing/changing-validators.ts'
import { writeChain } from '../../src/testing/write-chain.ts'
import { createBlockVerifier } from '../../src/verify/block-verifier.ts'
import { createMainThreadVerifier } from '../../src/verify/main-thread-verifier.ts'

const epochs = { commits: 45, validators: changingValidators({ sizes: [4] }) }
const chain = buildChain({ commits: 230, transactions: 1, epochs })
const short = buildChain({ commits: 12, transactions: 1, seed: 2 })
const { signal } = new AbortController()

describe('a chain file', () => {
  let directory: string
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'soma-chain-file-'))
  })
  after(() => rm(directory, { recursive: true }))

  async function storeOf(t: TestContext, commits = chain.commits, { genesis } = chain): Promise<CommitStore> {
    const store = await openMemoryStore({ genesis })
    t.after(() => store.close())
    await writeChain(store, commits)
    return store
  }

  async function fileOf(t: TestContext, of = chain, range: { from?: number; to?: number } = {}): Promise<string> {
    const path = join(directory, `${t.name.replaceAll(/\W+/g, '-')}-${range.from ?? 1}`)
    const store = await storeOf(t, of.commits, of)
    const out = createWriteStream(path)
    await exportChain({ genesis: of.genesis, store, out, signal, ...range })
    await finished(out.end())
    return path
  }

  async function importInto(
    store: CommitStore,
    path: string,
    genesis: Genesis = chain.genesis,
    more: Partial<ImportChainInit> = {}
  ): Promise<ImportResult> {
    await using file = await open(path)
    const signatures = createMainThreadVerifier()
    const blockVerifier = createBlockVerifier({
      chainId: genesis.chainId,
      signatures,
      bls: signatures,
      getCommittee: (epoch) => store.getCommittee(epoch)
    })
    return await importChain({ genesis, store, blockVerifier, file, signal, ...more })
  }

  it('gives the same chain in an empty store, over epochs, with everything that others ask for', async (t) => {
    const path = await fileOf(t)
    const store = await storeOf(t, [])
    assert.deepEqual(await importInto(store, path), { start: 1, end: 230, stored: 230 })
    for (const { subDag } of chain.commits) {
      const { index } = subDag.commit.ref
      const imported = await store.getSubDag(index)
      assert.deepEqual(imported?.commit.bytes, subDag.commit.bytes)
      assert.deepEqual(
        imported?.blocks.map(({ bytes }) => toHex(bytes)),
        subDag.blocks.map(({ bytes }) => toHex(bytes))
      )
    }
    for (const committee of chain.committees) {
      assert.deepEqual((await store.getCommittee(committee.epoch))?.bytes, committee.bytes)
    }
    assert.equal(store.watermarks.highestCertifiable, 230)
    const out = createWriteStream(join(directory, 'again'))
    await exportChain({ genesis: chain.genesis, store, out, signal })
    await finished(out.end())
  })

  it('goes on where the store stands, in the middle of a range too, and is nothing to a store that has it all', async (t) => {
    const path = await fileOf(t)
    const store = await storeOf(t, chain.commits.slice(0, 117))
    assert.deepEqual(await importInto(store, path), { start: 1, end: 230, stored: 113 })
    assert.deepEqual(await importInto(store, path), { start: 1, end: 230, stored: 0 })
    assert.deepEqual(await importInto(store, await fileOf(t, chain, { from: 30, to: 60 })), {
      start: 30,
      end: 60,
      stored: 0
    })
  })

  it('is refused where it leaves a gap, is of another chain, or is none', async (t) => {
    const store = await storeOf(t, chain.commits.slice(0, 50))
    await assert.rejects(importInto(store, await fileOf(t, chain, { from: 52 })), { code: 'CHAIN_FILE_GAP' })
    const path = await fileOf(t, short)
    await assert.rejects(importInto(store, path), { code: 'CHAIN_FILE_WRONG_CHAIN' })
    const own = await readFile(await fileOf(t))
    const none = join(directory, 'none')
    for (const [bytes, code] of [
      ['', 'CHAIN_FILE_INVALID'],
      [
        'some text that is much longer than the header of a chain file, which has fifty-seven bytes',
        'CHAIN_FILE_INVALID'
      ],
      ['soma-p2p', 'CHAIN_FILE_WRONG_VERSION'],
      [own.subarray(0, 60), 'CHAIN_FILE_DAMAGED'],
      [own.subarray(0, -1), 'CHAIN_FILE_DAMAGED']
    ] as const) {
      await writeFile(none, bytes)
      await assert.rejects(importInto(store, none), { code })
    }
    assert.equal(store.watermarks.highestSynced.index, 50)
  })

  it('that holds another history, by a quorum that lies, is a fork and changes nothing', async (t) => {
    const other = forkChain(short, { after: 6, commits: 12 })
    const path = await fileOf(t, other)
    for (const commits of [8, 12]) {
      const store = await storeOf(t, short.commits.slice(0, commits), short)
      await assert.rejects(importInto(store, path, short.genesis), { code: 'SYNC_FORK' })
      assert.equal(store.watermarks.highestSynced.index, commits)
    }
  })

  it('is refused before anything is stored whichever bit of it is turned', async (t) => {
    const path = await fileOf(t, short)
    const bytes = await readFile(path)
    const store = await storeOf(t, [], short)
    const seed = Math.floor(Math.random() * 2 ** 32)
    t.diagnostic(`seed ${seed}`)
    const random = seededRandom(seed)
    const ends = [...Array(64).keys(), ...Array.from({ length: 40 }, (_, at) => bytes.byteLength - 1 - at)]
    for (const at of [...ends, ...Array.from({ length: 300 }, () => randomInteger(random, bytes.byteLength))]) {
      const damaged = Buffer.from(bytes)
      damaged[at] = (damaged[at] ?? 0) ^ (1 << randomInteger(random, 8))
      await writeFile(path, damaged)
      await assert.rejects(
        importInto(store, path, short.genesis),
        (error) => error instanceof ChainFileError,
        `byte ${at}`
      )
      assert.equal(store.watermarks.highestSynced.index, 0, `byte ${at}`)
    }
  })

  it('with a bit turned and a checksum that is right brings nothing in but what a quorum certified', async (t) => {
    const path = await fileOf(t, short)
    const bytes = await readFile(path)
    const seed = Math.floor(Math.random() * 2 ** 32)
    t.diagnostic(`seed ${seed}`)
    const random = seededRandom(seed)
    let refused = 0
    for (let run = 0; run < 150; run++) {
      const damaged = Buffer.from(bytes)
      const at = randomInteger(random, bytes.byteLength - 32)
      damaged[at] = (damaged[at] ?? 0) ^ (1 << randomInteger(random, 8))
      createHash('sha256')
        .update(damaged.subarray(0, -32))
        .digest()
        .copy(damaged, damaged.byteLength - 32)
      await writeFile(path, damaged)
      const store = await storeOf(t, [], short)
      await importInto(store, path, short.genesis).catch(() => {
        refused += 1
      })
      const { index } = store.watermarks.highestSynced
      for (const { subDag } of short.commits.slice(0, index)) {
        const stored = await store.getSubDag(subDag.commit.ref.index)
        assert.deepEqual(
          stored?.blocks.map(({ bytes }) => toHex(bytes)),
          subDag.blocks.map(({ bytes }) => toHex(bytes))
        )
      }
    }
    assert.ok(refused >= 140, `${refused} of 150 refused`)
  })

  it('is taken to the end of an epoch that proves nothing of the next, and goes on when the executing node has said who comes', async (t) => {
    const unproven = buildChain({ commits: 30, epochs: { ...epochs, commits: 20, proofs: false } })
    const path = await fileOf(t, unproven)
    const store = await storeOf(t, [], unproven)
    const awaited = { code: 'CHAIN_FILE_COMMITTEE_AWAITED', message: /who comes after commit 20/ }
    const impatient = { ...systemClock, sleep: async () => {} }
    await assert.rejects(importInto(store, path, unproven.genesis, { handOver: 'inserted', clock: impatient }), awaited)
    assert.equal(store.watermarks.highestSynced.index, 20)
    await store.write({ commits: [], committees: unproven.committees.slice(1, 2) })
    await importInto(store, path, unproven.genesis, { handOver: 'inserted' })
    assert.equal(store.watermarks.highestSynced.index, 30)
  })

  it('whose import is killed leaves a store that the next import goes on with', async (t) => {
    const path = await fileOf(t)
    const data = join(directory, 'killed')
    const child = fork(new URL('./importing-process.ts', import.meta.url), [path, data, toHex(chain.genesis.bytes)], {
      stdio: 'inherit'
    })
    const [commit] = (await once(child, 'message')) as [number]
    child.kill('SIGKILL')
    await once(child, 'exit')
    const store = await openLevelStore(data, chain)
    t.after(() => store.close())
    const { index } = store.watermarks.highestSynced
    assert.ok(index >= commit && index < 230, `killed at ${index}`)
    assert.deepEqual(await importInto(store, path), { start: 1, end: 230, stored: 230 - index })
    assert.deepEqual(store.watermarks.highestSynced, chain.commits.at(-1)?.subDag.commit.ref)
  })

  it('is not written of commits that the store does not have', async (t) => {
    const store = await storeOf(t, chain.commits.slice(0, 10))
    const out = createWriteStream(join(directory, 'never'))
    await assert.rejects(exportChain({ genesis: chain.genesis, store, out, signal, from: 11 }), {
      code: 'CHAIN_FILE_EMPTY_RANGE'
    })
    await store.prune(5)
    await assert.rejects(exportChain({ genesis: chain.genesis, store, out, signal, from: 4 }), {
      code: 'CHAIN_FILE_EMPTY_RANGE'
    })
    await finished(out.end())
  })
})
