import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { StorageError } from '../../src/storage/index.ts'
import { createMemoryLevel } from '../../src/storage/memory-store.ts'
import { buildChain, commitAt, FailingDisk, storeWriteOf } from '../../src/testing/index.ts'

const chain = buildChain({ commits: 3 })

async function onDisk(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'soma-p2p-failing-disk-'))
  const disk = new FailingDisk()
  const store = await disk.openStore(join(directory, 'chain'), chain)
  t.after(async () => {
    disk.heal()
    await store.close()
    await rm(directory, { recursive: true, force: true })
  })
  const write = (index: number) => store.write(storeWriteOf([commitAt(chain, index)]))
  return { disk, store, write }
}

const refused = (code: StorageError['code']) => (thrown: unknown) =>
  thrown instanceof StorageError && thrown.code === code

for (const writes of ['full', 'broken'] as const) {
  test(`a disk that is ${writes} stores nothing, is still read from, and is written to again once it is well`, async (t) => {
    const { disk, store, write } = await onDisk(t)
    await write(1)
    disk.fail({ writes })
    await assert.rejects(write(2), refused('STORAGE_WRITE_FAILED'))
    await assert.rejects(write(2), refused('STORAGE_WRITE_FAILED'))
    assert.ok(await store.getCommit(1))
    assert.equal(await store.getCommit(2), undefined)
    disk.heal()
    await write(2)
    assert.equal(store.watermarks.highestSynced.index, 2)
  })
}

test('a disk that does not flush has stored what it said it had not', async (t) => {
  const { disk, store, write } = await onDisk(t)
  disk.fail({ writes: 'unflushed' })
  await assert.rejects(write(1), refused('STORAGE_WRITE_FAILED'))
  disk.heal()
  await write(1).catch(() => undefined) // adopted as it is, or refused as stored already
  assert.equal(store.watermarks.highestSynced.index, 1)
  await write(2)
  assert.equal(store.watermarks.highestSynced.index, 2)
})

test('reads fail while they are to, those of iterators as well', async (t) => {
  const { disk, store, write } = await onDisk(t)
  await write(1)
  disk.fail({ reads: true })
  await assert.rejects(store.getCommit(1), refused('STORAGE_READ_FAILED'))
  await assert.rejects(Array.fromAsync(store.readCommits(1, 1)), refused('STORAGE_READ_FAILED'))
  await assert.rejects(store.listCursors(), refused('STORAGE_READ_FAILED'))
  disk.heal()
  assert.equal((await Array.fromAsync(store.readCommits(1, 1))).length, 1)
})

test('no database opens on a full disk, and all of a disk fail together', async () => {
  const disk = new FailingDisk()
  const [first, second] = [disk.on(createMemoryLevel()), disk.on(createMemoryLevel())]
  disk.fail({ writes: 'full' })
  for (const level of [first, second]) await assert.rejects(level.open(), { code: 'LEVEL_IO_ERROR' })
  disk.fail({ delayMs: 1 })
  await first.open()
  await first.batch([{ type: 'put', key: Uint8Array.of(1), value: Uint8Array.of(2) }], { sync: true })
  assert.deepEqual(await first.get(Uint8Array.of(1)), Uint8Array.of(2))
  await first.close()
})
