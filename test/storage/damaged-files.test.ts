import assert from 'node:assert/strict'
import { cp, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { bytesEqual } from '../../src/runtime/hex.ts'
import { randomInteger, seededRandom } from '../../src/runtime/random.ts'
import type { CommitStore } from '../../src/storage/commit-store.ts'
import { openLevelStore } from '../../src/storage/level-store.ts'
import { StorageError } from '../../src/storage/storage-error.ts'
import { conformanceChain, subDagAt, subDags } from '../../src/testing/storage-conformance-fixture.ts'

const SEED = Number(process.env.TEST_SEED ?? 7)
const { genesis } = conformanceChain()
/** Commits in tables, and commits in all: the rest is in the log. */
const [SORTED, COMMITS] = [40, 80]

let original: string
let copies: string
before(async () => {
  original = await mkdtemp(join(tmpdir(), 'soma-whole-'))
  copies = await mkdtemp(join(tmpdir(), 'soma-damaged-'))
  for (const [from, to] of [
    [1, SORTED],
    [SORTED + 1, COMMITS]
  ] as const) {
    const store = await openLevelStore(original, { genesis })
    for (let index = from; index <= to; index++) await store.write({ commits: subDags(index, index) })
    await store.close()
  }
})
after(async () => {
  await rm(original, { recursive: true })
  await rm(copies, { recursive: true })
})

type Kind = 'CURRENT' | 'MANIFEST' | '.ldb' | '.log'
type Damage = (file: string, size: number) => Promise<void>

let copied = 0
/** A copy of the directory of which one file is damaged. */
async function damaged(kind: Kind, damage: Damage): Promise<string> {
  const path = join(copies, String(copied++))
  await cp(original, path, { recursive: true })
  const name = (await readdir(path)).find((each) => each.startsWith(kind) || each.endsWith(kind))
  assert.ok(name !== undefined, `a file ${kind}`)
  const file = join(path, name)
  await damage(file, (await stat(file)).size)
  return path
}

/** So much is left. */
const CUTS: readonly Damage[] = [
  () => 0,
  (size: number) => Math.floor(size * 0.3),
  (size: number) => Math.floor(size * 0.9),
  (size: number) => size - 1
].map((left) => (file, size) => truncate(file, left(size)))

const flipBit =
  (at: (size: number) => number, bit: number): Damage =>
  async (file, size) => {
    const bytes = await readFile(file)
    bytes[at(size)] = (bytes[at(size)] ?? 0) ^ (1 << bit)
    await writeFile(file, bytes)
  }

/** Opens what is damaged. @returns `undefined` where it is refused, as it should be: with the path and the remedy */
async function tryToOpen(path: string): Promise<CommitStore | undefined> {
  try {
    return await openLevelStore(path, { genesis })
  } catch (thrown) {
    assert.ok(thrown instanceof StorageError, `not a StorageError: ${thrown}`)
    assert.equal(thrown.code, 'STORAGE_CORRUPTED', thrown.message)
    assert.match(thrown.message, /the data is damaged; move the directory away and sync anew, or restore a copy of it$/)
    return undefined
  }
}

/** Whatever the store gives out is what was written; the rest it refuses as damaged. @returns how many commits it gives out whole */
async function assertNothingFalse(store: CommitStore): Promise<number> {
  let whole = 0
  for (let index = 1; index <= store.watermarks.highestSynced.index; index++) {
    const expected = subDagAt(index)
    const blocks = await unlessDamaged(store.getBlocks(expected.blocks.map(({ ref }) => ref)))
    for (const [at, bytes] of blocks?.entries() ?? []) {
      assert.ok(bytes === undefined || bytesEqual(bytes, expected.blocks[at]?.bytes as Uint8Array), `block of ${index}`)
    }
    const commit = await unlessDamaged(store.getCommit(index))
    if (commit !== undefined) assert.deepEqual(commit.bytes, expected.commit.bytes)
    const subDag = await unlessDamaged(store.getSubDag(index))
    if (subDag === undefined) continue
    assert.deepEqual(subDag, expected)
    whole += 1
  }
  return whole
}

async function unlessDamaged<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    const value = await read
    assert.notEqual(value, undefined, 'neither there nor damaged')
    return value
  } catch (thrown) {
    if (thrown instanceof StorageError && thrown.code === 'STORAGE_CORRUPTED') return undefined
    throw thrown
  }
}

describe(`a directory with a damaged file (seed ${SEED})`, () => {
  for (const kind of ['CURRENT', 'MANIFEST', '.ldb'] as const) {
    it(`is refused when ${kind} is missing or cut short, whatever is left of it`, async () => {
      const damages: Damage[] = [(file) => rm(file), ...CUTS]
      for (const damage of damages) assert.equal(await tryToOpen(await damaged(kind, damage)), undefined)
    })
  }

  it('is refused when a bit of CURRENT or MANIFEST has turned', async () => {
    const random = seededRandom(SEED)
    for (const kind of ['CURRENT', 'MANIFEST'] as const) {
      for (let time = 0; time < 12; time++) {
        const bit = randomInteger(random, 8)
        const path = await damaged(
          kind,
          flipBit((size) => ((time * size) / 12) | 0, bit)
        )
        assert.equal(await tryToOpen(path), undefined, `bit ${bit} at ${time}/12 of ${kind}`)
      }
    }
  })

  it('gives out nothing that was not written when a bit of a table has turned', async () => {
    const random = seededRandom(SEED)
    let opened = 0
    for (let time = 0; time < 24; time++) {
      const [part, bit] = [randomInteger(random, 10_000) / 10_000, randomInteger(random, 8)]
      const store = await tryToOpen(
        await damaged(
          '.ldb',
          flipBit((size) => Math.floor(part * size), bit)
        )
      )
      if (store === undefined) continue
      opened += 1
      assert.equal(store.watermarks.highestSynced.index, COMMITS)
      assert.ok((await assertNothingFalse(store)) >= COMMITS - 25, 'the rest can be read')
      await store.close()
    }
    assert.ok(opened > 0, 'none opened')
  })

  it('is refused when a bit in the middle of the log has turned, rather than open with a hole', async () => {
    const middle = flipBit((size) => Math.floor(size / 8), 4)
    assert.equal(await tryToOpen(await damaged('.log', middle)), undefined)
  })

  it('goes on from the last whole commit when the end of the log is missing or damaged', async () => {
    const damages: Damage[] = [...CUTS, flipBit((size) => size - 100, 2)]
    for (const damage of damages) {
      const store = await tryToOpen(await damaged('.log', damage))
      assert.ok(store !== undefined, 'it does not open')
      const { index } = store.watermarks.highestSynced
      assert.ok(index >= SORTED && index < COMMITS, `at ${index}`)
      assert.equal(await assertNothingFalse(store), index)
      await store.write({ commits: subDags(index + 1, COMMITS) })
      assert.equal(await assertNothingFalse(store), COMMITS)
      await store.close()
    }
  })
})
