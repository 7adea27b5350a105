import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { appendFile, mkdtemp, open, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { toHex } from '../../src/runtime/hex.ts'
import { openLevelStore } from '../../src/storage/level-store.ts'
import { openStoreSnapshot, type StoreSnapshot } from '../../src/storage/store-snapshot.ts'
import { buildChain, commitAt } from '../../src/testing/chain-builder.ts'
import { writeChain } from '../../src/testing/write-chain.ts'

const chain = buildChain({ commits: 40, epochs: { commits: 15 } })

describe('a snapshot of a store', () => {
  let directory: string
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'soma-snapshot-'))
  })
  after(() => rm(directory, { recursive: true }))

  /** A store that has a table as well as a log, and a pruning behind it. */
  async function makeStore(name: string): Promise<string> {
    const path = join(directory, name)
    for (const commits of [chain.commits.slice(0, 25), chain.commits.slice(25)]) {
      const store = await openLevelStore(path, chain)
      await writeChain(store, commits)
      await store.setCursor('executor', 7)
      await store.setRecord('peers/bans', Uint8Array.of(1, 2, 3))
      await store.prune(3)
      await store.close()
    }
    return path
  }

  /** All that is in a directory: names, times, sizes and digests. */
  async function fingerprint(path: string): Promise<string[]> {
    const names = (await readdir(path)).toSorted()
    return Promise.all(
      names.map(async (name) => {
        const { mtimeMs, size, ino } = await stat(join(path, name))
        const digest = createHash('sha256')
          .update(await readFile(join(path, name)))
          .digest('hex')
        return [name, mtimeMs, size, ino, digest].join(' ')
      })
    )
  }

  async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
    const all: T[] = []
    for await (const item of items) all.push(item)
    return all
  }

  it('has everything of the store, and not one byte of the directory changes, whatever is done with it', async () => {
    const path = await makeStore('untouched')
    const temporary = (await readdir(tmpdir())).filter((name) => name.startsWith('soma-p2p-store-'))
    const before = await fingerprint(path)
    const snapshot = await openStoreSnapshot(path, chain)
    const { store } = snapshot
    assert.deepEqual(store.watermarks.highestSynced, commitAt(chain, 40).subDag.commit.ref)
    assert.equal(store.watermarks.lowestAvailable, 3)
    assert.deepEqual([...(await snapshot.records()).keys()], ['peers/bans'])
    const check = await snapshot.checkValues()
    assert.deepEqual(check.damaged, [])
    assert.equal(check.bySpace.commits?.entries, 38)
    await store.setCursor('intruder', 1)
    await store.prune(20)
    await snapshot.refuseStale()
    await snapshot.close()
    assert.deepEqual(await fingerprint(path), before)
    const left = (await readdir(tmpdir())).filter((name) => name.startsWith('soma-p2p-store-'))
    assert.deepEqual(
      left.filter((name) => !temporary.includes(name)),
      [],
      'the copy is gone'
    )
    const store2 = await openLevelStore(path, chain)
    assert.deepEqual([...(await store2.listCursors())], [['executor', 7]])
    await store2.close()
  })

  it('finds blocks by epoch, round and author, and by the beginning of their digest', async () => {
    await using snapshot = disposable(await openStoreSnapshot(await makeStore('blocks'), chain))
    const { ref } = commitAt(chain, 20).subDag.blocks[0] ?? assert.fail()
    const { epoch, round, author } = ref
    assert.deepEqual(await collect(snapshot.findBlocks({ epoch, round, author })), [ref])
    assert.deepEqual(await collect(snapshot.findBlocks({ digest: toHex(ref.digest).slice(0, 16) })), [ref])
    assert.deepEqual(await collect(snapshot.findBlocks({ epoch, round: 1_000 })), [])
    const inEpoch = await collect(snapshot.findBlocks({ epoch }))
    const expected = chain.commits.flatMap(({ subDag }) => subDag.blocks).filter((block) => block.ref.epoch === epoch)
    assert.equal(inEpoch.length, expected.length)
  })

  it('names every value that is not what was written', async () => {
    const path = await makeStore('damaged')
    const { bytes } = commitAt(chain, 12).subDag.blocks[0] ?? assert.fail()
    const table = (await readdir(path)).find((name) => name.endsWith('.ldb')) ?? assert.fail()
    const at = (await readFile(join(path, table))).indexOf(bytes)
    assert.notEqual(at, -1)
    await using file = await open(join(path, table), 'r+')
    await file.write(Uint8Array.of((bytes[30] ?? 0) ^ 1), 0, 1, at + 30)
    await using snapshot = disposable(await openStoreSnapshot(path, chain))
    const { damaged, damagedEntries } = await snapshot.checkValues()
    assert.equal(damagedEntries, 1)
    assert.match(damaged[0] ?? '', /^block 0\/\d+\/\d [0-9a-f]{64}$/)
  })

  it('does not wait for a pipe that lies where a file should', async () => {
    const path = await makeStore('pipe')
    const manifest = (await readdir(path)).find((name) => name.startsWith('MANIFEST')) ?? assert.fail()
    await rm(join(path, manifest))
    await promisify(execFile)('mkfifo', [join(path, manifest)])
    await assert.rejects(openStoreSnapshot(path, chain), { code: 'STORAGE_CORRUPTED' })
  })

  it('leaves nothing behind when the process ends meanwhile', async () => {
    const path = await makeStore('ended')
    const temporary = await mkdtemp(join(directory, 'temporary-'))
    const script = `
      const { readdir } = await import('node:fs/promises')
      const [path, genesis, snapshots, genesisBytes] = process.argv.slice(1)
      const { decodeGenesis } = await import(genesis)
      const { openStoreSnapshot } = await import(snapshots)
      await openStoreSnapshot(path, { genesis: decodeGenesis(Buffer.from(genesisBytes, 'hex')) })
      console.log((await readdir(process.env.TMPDIR)).length)
      process.exit(0)`
    const sources = ['consensus/genesis.ts', 'storage/store-snapshot.ts'].map((name) =>
      String(new URL(`../../src/${name}`, import.meta.url))
    )
    const genesis = toHex(chain.genesis.bytes)
    const args = ['-C', 'source', '--input-type=module', '-e', script, path, ...sources, genesis]
    const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, TMPDIR: temporary } })
    assert.equal(stdout.trim(), '1')
    assert.deepEqual(await readdir(temporary), [])
  })

  it('is refused where no store is, which makes none, and where somebody writes', async () => {
    const nothing = join(directory, 'nothing')
    await assert.rejects(openStoreSnapshot(nothing, chain), { code: 'STORAGE_OPEN_FAILED', message: /no store/ })
    await assert.rejects(stat(nothing), { code: 'ENOENT' })
    const path = await makeStore('busy')
    await assert.rejects(openStoreSnapshot(path, buildChain({ commits: 1, seed: 9 })), { code: 'STORAGE_WRONG_CHAIN' })
    await using snapshot = disposable(await openStoreSnapshot(path, chain))
    const log = (await readdir(path)).find((name) => name.endsWith('.log')) ?? assert.fail()
    await appendFile(join(path, log), 'x')
    await assert.rejects(snapshot.refuseStale(), { code: 'STORAGE_LOCKED' })
  })
})

function disposable(snapshot: StoreSnapshot): StoreSnapshot & AsyncDisposable {
  return Object.assign(snapshot, { [Symbol.asyncDispose]: () => snapshot.close() })
}
