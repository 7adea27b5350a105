import assert from 'node:assert/strict'
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { ClassicLevel } from 'classic-level'
import type { Operation } from '../../src/storage/database.ts'
import {
  blockKey,
  certifierCopyRange,
  commitKey,
  committeeKey,
  formatKey,
  lowestKey,
  tipKey
} from '../../src/storage/keys.ts'
import { openLevelStore } from '../../src/storage/level-store.ts'
import { StorageError, type StorageErrorCode } from '../../src/storage/storage-error.ts'
import { sealValue } from '../../src/storage/value-checksum.ts'
import { buildChain } from '../../src/testing/chain-builder.ts'
import {
  assertAbsent,
  assertCertified,
  assertRefused,
  assertWhole,
  certifierBlocks,
  certifiersOf,
  commitOf,
  conformanceChain,
  subDagAt,
  subDags
} from '../../src/testing/storage-conformance-fixture.ts'

type RawLevel = ClassicLevel<Uint8Array, Uint8Array>

const { genesis } = conformanceChain()

async function temporaryPath(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'soma-level-'))
  t.after(() => rm(path, { recursive: true, force: true }))
  return path
}

/** A directory with twenty commits, the last of them certified. */
async function filledPath(t: TestContext): Promise<string> {
  const path = await temporaryPath(t)
  const store = await openLevelStore(path, { genesis })
  await store.write({ commits: subDags(1, 20), certifiers: [certifiersOf(20)] })
  await store.close()
  return path
}

/** Looks into, or damages, what is stored. */
async function withRaw<T>(path: string, use: (level: RawLevel) => Promise<T>): Promise<T> {
  const level = new ClassicLevel<Uint8Array, Uint8Array>(path, { keyEncoding: 'view', valueEncoding: 'view' })
  await level.open()
  try {
    return await use(level)
  } finally {
    await level.close()
  }
}

/** A value as the store writes it. */
function sealed(key: Uint8Array, value: Uint8Array): Operation {
  return { type: 'put', key, value: sealValue(key, value) }
}

function put(level: RawLevel, key: Uint8Array, value: Uint8Array): Promise<void> {
  return level.batch([sealed(key, value)])
}

/** Checks that a directory is refused, with the remedy in the message. */
async function assertNotOpened(path: string, code: StorageErrorCode, remedy: RegExp): Promise<void> {
  await assert.rejects(openLevelStore(path, { genesis }), (thrown) => {
    assert.ok(thrown instanceof StorageError, `not a StorageError: ${thrown}`)
    assert.equal(thrown.code, code, thrown.message)
    assert.match(thrown.message, remedy)
    assert.ok(thrown.message.includes(path), thrown.message)
    return true
  })
}

describe('opening a directory', () => {
  it('makes it, and those above it', async (t) => {
    const path = join(await temporaryPath(t), 'data', 'chain')
    const store = await openLevelStore(path, { genesis })
    await store.write({ commits: subDags(1, 1) })
    await store.close()
    assert.ok((await readdir(path)).includes('CURRENT'))
  })

  it('goes on where it was killed at its very first start', async (t) => {
    const path = await temporaryPath(t)
    await withRaw(path, async () => undefined)
    const store = await openLevelStore(path, { genesis })
    assert.equal(store.watermarks.highestSynced.index, 0)
    await store.close()
  })

  it('refuses that of another chain', async (t) => {
    const path = await temporaryPath(t)
    const other = await openLevelStore(path, buildChain({ commits: 0, seed: 2 }))
    await other.close()
    await assertNotOpened(path, 'STORAGE_WRONG_CHAIN', /use another directory, or the other genesis/)
  })

  it('refuses another format', async (t) => {
    const path = await filledPath(t)
    await withRaw(path, async (level) => {
      const format = Uint8Array.from((await level.get(formatKey)) as Uint8Array)
      format[3] = 99
      await level.put(formatKey, format)
    })
    await assertNotOpened(path, 'STORAGE_WRONG_VERSION', /written in format 99, and this is format \d: use the version/)
  })

  it('refuses a database of something else', async (t) => {
    const path = await temporaryPath(t)
    await withRaw(path, (level) => level.put(Uint8Array.of(0x61), Uint8Array.of(1)))
    await assertNotOpened(path, 'STORAGE_WRONG_VERSION', /something else/)
  })

  it('refuses one that is in use, and leaves it in use', async (t) => {
    const path = await temporaryPath(t)
    const store = await openLevelStore(path, { genesis })
    await assertNotOpened(path, 'STORAGE_LOCKED', /stop the node/)
    await store.write({ commits: subDags(1, 1) })
    await store.close()
  })

  it('refuses what is no directory', async (t) => {
    const path = join(await temporaryPath(t), 'file')
    await writeFile(path, 'not a directory')
    await assertNotOpened(path, 'STORAGE_OPEN_FAILED', /see that it is a directory/)
  })

  it('lets go of a directory that it refused', async (t) => {
    const path = await filledPath(t)
    await assert.rejects(openLevelStore(path, buildChain({ commits: 0, seed: 2 })))
    const store = await openLevelStore(path, { genesis })
    await assertWhole(store, subDagAt(20))
    await store.close()
  })
})

describe('opening a damaged directory', () => {
  it('refuses a broken manifest', async (t) => {
    const path = await filledPath(t)
    const manifest = (await readFile(join(path, 'CURRENT'), 'utf8')).trim()
    await writeFile(join(path, manifest), new Uint8Array(500).fill(0xaa))
    await assertNotOpened(path, 'STORAGE_CORRUPTED', /sync anew/)
  })

  it('refuses a missing CURRENT rather than begin anew and delete the data', async (t) => {
    const path = await filledPath(t)
    await rm(join(path, 'CURRENT'))
    await assertNotOpened(path, 'STORAGE_CORRUPTED', /CURRENT/)
    const data = (await readdir(path)).filter((name) => /\.(ldb|log)$/.test(name))
    assert.ok(data.length > 0)
  })

  it('refuses missing watermarks', async (t) => {
    const path = await filledPath(t)
    await withRaw(path, (level) => level.del(tipKey))
    await assertNotOpened(path, 'STORAGE_CORRUPTED', /watermarks/)
  })

  for (const [what, value] of [
    ['a missing', undefined],
    ['another', commitOf(19).bytes],
    ['an undecodable', Uint8Array.of(0xff, 0xff)]
  ] as const) {
    it(`refuses ${what} highest synced commit`, async (t) => {
      const path = await filledPath(t)
      await withRaw(path, (level) => (value ? put(level, commitKey(20), value) : level.del(commitKey(20))))
      await assertRefused(openLevelStore(path, { genesis }), 'STORAGE_CORRUPTED')
    })
  }

  it('takes a torn end of the log for a write that never was', async (t) => {
    const path = await filledPath(t)
    const logs = (await readdir(path)).filter((name) => name.endsWith('.log'))
    await appendFile(join(path, logs.at(-1) as string), new Uint8Array(1000).fill(0x55))
    const store = await openLevelStore(path, { genesis })
    for (const subDag of subDags(1, 20)) await assertWhole(store, subDag)
    await store.close()
  })
})

describe('reading what is damaged', () => {
  it('says that it is corrupted, and reads the rest', async (t) => {
    const path = await filledPath(t)
    const [missing, undecodable, exchanged] = [3, 4, 5].map((index) => blockKey(subDagAt(index).commit.commit.leader))
    await withRaw(path, (level) =>
      level.batch([
        { type: 'del', key: missing as Uint8Array },
        sealed(undecodable as Uint8Array, new Uint8Array(200).fill(0xff)),
        sealed(exchanged as Uint8Array, subDagAt(9).blocks[0]?.bytes as Uint8Array),
        sealed(commitKey(6), commitOf(7).bytes),
        sealed(committeeKey(1), Uint8Array.of(1)),
        { type: 'put', key: commitKey(8), value: commitOf(8).bytes } // without its checksum
      ])
    )
    const store = await openLevelStore(path, { genesis })
    for (const index of [3, 4, 5, 6, 8]) await assertRefused(store.getSubDag(index), 'STORAGE_CORRUPTED')
    for (const index of [6, 8]) await assertRefused(store.getCommit(index), 'STORAGE_CORRUPTED')
    await assertRefused(Array.fromAsync(store.readCommits(7, 10)), 'STORAGE_CORRUPTED')
    await assertRefused(store.getCommittee(1), 'STORAGE_CORRUPTED')
    for (const index of [1, 2, 7, 9, 20]) await assertWhole(store, subDagAt(index))
    await store.close()
  })
})

describe('what is on the disk', () => {
  it('is deleted at opening when a pruning was interrupted', async (t) => {
    const path = await filledPath(t)
    const before = await openLevelStore(path, { genesis })
    await before.write({ commits: [], certifiers: [certifiersOf(10)] })
    await before.close()
    await withRaw(path, (level) => put(level, lowestKey, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 15)))
    const store = await openLevelStore(path, { genesis })
    assert.equal(store.watermarks.lowestAvailable, 15)
    await assertAbsent(store, subDagAt(14))
    await assertWhole(store, subDagAt(15))
    await store.close()
    const left = subDags(15, 20).map(({ blocks }) => 2 + blocks.length)
    const expected = left.reduce((sum, keys) => sum + keys, 3 + 1 + certifierBlocks(20).length)
    assert.equal(await withRaw(path, async (level) => (await level.keys().all()).length), expected)
  })

  it('is one copy of a certifier block, whether a commit took it before or after a restart', async (t) => {
    const path = await filledPath(t)
    assert.equal(await countCopies(path), certifierBlocks(20).length)
    const store = await openLevelStore(path, { genesis })
    await store.write({ commits: subDags(21, 60) })
    await store.write({ commits: [], certifiers: [certifiersOf(30)] })
    for (const index of [20, 30]) await assertCertified(store, index)
    await store.close()
    assert.equal(await countCopies(path), 0)
  })

  it('is nothing of certifiers that came twice, once their commit is pruned', async (t) => {
    const path = await filledPath(t)
    const store = await openLevelStore(path, { genesis })
    await store.write({ commits: [], certifiers: [{ ...certifiersOf(100), index: 20 }] })
    await store.write({ commits: subDags(21, 22) })
    await store.prune(21)
    await store.close()
    assert.equal(await countCopies(path), 0)
  })
})

function countCopies(path: string): Promise<number> {
  const { gte } = certifierCopyRange(commitOf(1).commit.leader)
  const space = { gte: gte.subarray(0, 1), lt: Uint8Array.of((gte[0] as number) + 1) }
  return withRaw(path, async (level) => (await level.keys(space).all()).length)
}
