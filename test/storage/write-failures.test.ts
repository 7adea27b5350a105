import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { errorCode, toError } from '../../src/runtime/soma-error.ts'
import type { CommitStore } from '../../src/storage/commit-store.ts'
import { certifierCopyRange } from '../../src/storage/keys.ts'
import { openStore } from '../../src/storage/open-store.ts'
import { StorageError } from '../../src/storage/storage-error.ts'
import { forkChain } from '../../src/testing/chain-builder.ts'
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
import { FailingLevel } from './failing-level.ts'

interface Opened {
  level: FailingLevel
  store: CommitStore
}

/** A store with ten commits over a database that fails on demand. */
async function openFailing(t: TestContext, probe?: (bytes: number) => Promise<void>): Promise<Opened> {
  const level = new FailingLevel()
  const store = await openStore({ level, where: 'a failing database', ...(probe && { probe }) }, conformanceChain())
  t.after(() => store.close())
  await store.write({ commits: subDags(1, 10) })
  return { level, store }
}

const disk = { full: false }
async function probeDisk(): Promise<void> {
  if (disk.full) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
}

describe('a write that fails', () => {
  it('says so with its cause, and leaves the watermark where it was', async (t) => {
    const { level, store } = await openFailing(t)
    level.onWrite('torn')
    await assert.rejects(store.write({ commits: subDags(11, 12) }), (thrown) => {
      assert.ok(thrown instanceof StorageError)
      assert.equal(thrown.code, 'STORAGE_WRITE_FAILED')
      assert.equal(errorCode(toError(thrown.cause)), 'LEVEL_IO_ERROR')
      return true
    })
    assert.deepEqual(store.watermarks.highestSynced, commitOf(10).ref)
    await assertAbsent(store, subDagAt(11))
    for (const subDag of subDags(1, 10)) await assertWhole(store, subDag)
  })

  it('is followed by one that works, on a database opened anew', async (t) => {
    const { level, store } = await openFailing(t)
    level.onWrite('torn')
    await assertRefused(store.write({ commits: subDags(11, 12) }), 'STORAGE_WRITE_FAILED')
    await store.write({ commits: subDags(11, 12) })
    await store.write({ commits: subDags(13, 13) })
    assert.equal(level.opened, 2)
    for (const subDag of subDags(1, 13)) await assertWhole(store, subDag)
  })

  it('may fail as often as it likes', async (t) => {
    const { level, store } = await openFailing(t)
    level.onWrite('torn', 'torn', 'torn')
    for (let time = 1; time <= 3; time++) {
      await assertRefused(store.write({ commits: subDags(11, 12) }), 'STORAGE_WRITE_FAILED')
      assert.equal(store.watermarks.highestSynced.index, 10)
    }
    await store.write({ commits: subDags(11, 12) })
    for (const subDag of subDags(1, 12)) await assertWhole(store, subDag)
  })

  it('leaves the database open for reading while the disk takes nothing', async (t) => {
    const { level, store } = await openFailing(t, probeDisk)
    level.onWrite('torn')
    await assertRefused(store.write({ commits: subDags(11, 12) }), 'STORAGE_WRITE_FAILED')
    disk.full = true
    t.after(() => {
      disk.full = false
    })
    await assertRefused(store.write({ commits: subDags(11, 12) }), 'STORAGE_WRITE_FAILED')
    assert.equal(level.opened, 1)
    await assertWhole(store, subDagAt(10))
    disk.full = false
    await store.write({ commits: subDags(11, 12) })
    await assertWhole(store, subDagAt(12))
  })

  it('says that it cannot read while the database does not open, and recovers when it does', async (t) => {
    const { level, store } = await openFailing(t)
    level.onWrite('torn')
    level.onOpen('fails')
    await assertRefused(store.write({ commits: subDags(11, 12) }), 'STORAGE_WRITE_FAILED')
    await assertRefused(store.write({ commits: subDags(11, 12) }), 'STORAGE_WRITE_FAILED')
    await assertRefused(store.getCommit(3), 'STORAGE_READ_FAILED')
    assert.equal(store.watermarks.highestSynced.index, 10)
    await store.write({ commits: subDags(11, 12) })
    for (const subDag of subDags(1, 12)) await assertWhole(store, subDag)
  })

  it('lets reads wait while the database is opened anew', async (t) => {
    const { level, store } = await openFailing(t)
    level.onWrite('torn')
    await assertRefused(store.write({ commits: subDags(11, 12) }), 'STORAGE_WRITE_FAILED')
    const { promise, resolve } = Promise.withResolvers<void>()
    level.onOpen(promise)
    const early = assertWhole(store, subDagAt(3))
    const write = store.write({ commits: subDags(11, 12) })
    const late = assertWhole(store, subDagAt(4))
    setImmediate(resolve)
    await Promise.all([early, write, late])
  })

  it('does not fail the reads that were under way', async (t) => {
    const { level, store } = await openFailing(t)
    level.onWrite('torn')
    await assertRefused(store.write({ commits: subDags(11, 12) }), 'STORAGE_WRITE_FAILED')
    level.beforeNextRead(() => store.write({ commits: subDags(11, 12) }))
    await assertWhole(store, subDagAt(3))
    assert.equal(level.opened, 2)
  })

  it('closes cleanly all the same', async (t) => {
    const { level, store } = await openFailing(t)
    level.onWrite('torn')
    await assertRefused(store.write({ commits: subDags(11, 12) }), 'STORAGE_WRITE_FAILED')
    await store.close()
    await assertRefused(store.getCommit(3), 'STORAGE_CLOSED')
  })
})

describe('a write that failed, and yet was written', () => {
  it('is taken over when it is tried again', async (t) => {
    const { level, store } = await openFailing(t)
    level.onWrite('unflushed')
    await assertRefused(store.write({ commits: subDags(11, 12) }), 'STORAGE_WRITE_FAILED')
    assert.equal(store.watermarks.highestSynced.index, 10)
    await store.write({ commits: subDags(11, 13) })
    assert.deepEqual(store.watermarks.highestSynced, commitOf(13).ref)
    for (const subDag of subDags(1, 13)) await assertWhole(store, subDag)
  })

  it('is taken over when something else is written first', async (t) => {
    const { level, store } = await openFailing(t)
    level.onWrite('unflushed')
    await assertRefused(store.write({ commits: subDags(11, 12) }), 'STORAGE_WRITE_FAILED')
    await store.setCursor('executor', 4)
    assert.deepEqual(store.watermarks.highestSynced, commitOf(12).ref)
    await store.write({ commits: subDags(11, 12) })
    await store.write({ commits: subDags(13, 13) })
    for (const subDag of subDags(1, 13)) await assertWhole(store, subDag)
  })

  it('is taken over by the next write when looking at it failed first', async (t) => {
    const { level, store } = await openFailing(t)
    level.onWrite('unflushed')
    await assertRefused(store.write({ commits: subDags(11, 12) }), 'STORAGE_WRITE_FAILED')
    level.beforeNextRead(async () => {
      throw Object.assign(new Error('the disk does not answer'), { code: 'LEVEL_IO_ERROR' })
    })
    await assertRefused(store.setCursor('executor', 4), 'STORAGE_READ_FAILED')
    await store.setCursor('executor', 4)
    assert.deepEqual(store.watermarks.highestSynced, commitOf(12).ref)
    await store.write({ commits: subDags(13, 13) })
    for (const subDag of subDags(1, 13)) await assertWhole(store, subDag)
  })

  it('is taken over when a part of it is tried first', async (t) => {
    const { level, store } = await openFailing(t)
    level.onWrite('unflushed')
    await assertRefused(store.write({ commits: subDags(11, 14) }), 'STORAGE_WRITE_FAILED')
    await store.write({ commits: subDags(11, 12) })
    assert.deepEqual(store.watermarks.highestSynced, commitOf(14).ref)
    await store.write({ commits: subDags(15, 15) })
    for (const subDag of subDags(1, 15)) await assertWhole(store, subDag)
  })

  it('is taken over with the copies of certifiers that it brought', async (t) => {
    const { level, store } = await openFailing(t)
    level.onWrite('unflushed')
    await assertRefused(
      store.write({ commits: subDags(11, 12), certifiers: [certifiersOf(12)] }),
      'STORAGE_WRITE_FAILED'
    )
    await store.setCursor('executor', 4)
    assert.equal(store.watermarks.highestCertifiable, 12)
    await store.write({ commits: subDags(13, 40) })
    await assertCertified(store, 12)
    for (const { ref } of certifierBlocks(12)) assert.deepEqual(await level.keys(certifierCopyRange(ref)).all(), [])
  })

  it('is not taken for another way of the chain', async (t) => {
    const { level, store } = await openFailing(t)
    const fork = forkChain(conformanceChain(), { after: 10, commits: 12 }).commits.map((commit) => commit.subDag)
    level.onWrite('unflushed')
    await assertRefused(store.write({ commits: subDags(11, 12) }), 'STORAGE_WRITE_FAILED')
    await assertRefused(store.write({ commits: fork.slice(10) }), 'STORAGE_NOT_CONSECUTIVE')
    await assertWhole(store, subDagAt(12))
  })

  it('does not make a repeated write right afterwards', async (t) => {
    const { level, store } = await openFailing(t)
    level.onWrite('torn')
    await assertRefused(store.write({ commits: subDags(11, 12) }), 'STORAGE_WRITE_FAILED')
    await store.write({ commits: subDags(11, 12) })
    await assertRefused(store.write({ commits: subDags(11, 12) }), 'STORAGE_NOT_CONSECUTIVE')
  })
})

describe('other writes that fail', () => {
  it('leave a cursor and a record as they were', async (t) => {
    const { level, store } = await openFailing(t)
    await store.setCursor('executor', 3)
    await store.setRecord('bans', Uint8Array.of(1))
    level.onWrite('torn', 'torn', 'torn')
    await assertRefused(store.setCursor('executor', 5), 'STORAGE_WRITE_FAILED')
    await assertRefused(store.deleteCursor('executor'), 'STORAGE_WRITE_FAILED')
    await assertRefused(store.setRecord('bans', Uint8Array.of(2)), 'STORAGE_WRITE_FAILED')
    assert.equal(await store.getCursor('executor'), 3)
    assert.deepEqual(await store.getRecord('bans'), Uint8Array.of(1))
  })

  it('leave the lowest available commit where it was', async (t) => {
    const { level, store } = await openFailing(t)
    level.onWrite('torn')
    await assertRefused(store.prune(5), 'STORAGE_WRITE_FAILED')
    assert.equal(store.watermarks.lowestAvailable, 1)
    for (const subDag of subDags(1, 10)) await assertWhole(store, subDag)
    assert.equal(await store.prune(5), 5)
  })

  it('leave pruned commits to be deleted by the next pruning', async (t) => {
    const { level, store } = await openFailing(t)
    const refs = commitOf(4).commit.blocks
    level.onWrite('done', 'torn') // the first moves the lowest available commit, the second deletes
    await assertRefused(store.prune(5), 'STORAGE_WRITE_FAILED')
    assert.equal(store.watermarks.lowestAvailable, 5)
    await assertAbsent(store, subDagAt(4))
    assert.ok((await store.getBlocks(refs)).every((bytes) => bytes !== undefined))
    assert.equal(await store.prune(5), 5)
    assert.ok((await store.getBlocks(refs)).every((bytes) => bytes === undefined))
  })
})

describe('a read during which its commit is pruned', () => {
  it('finds nothing, rather than half of it', async (t) => {
    const { level, store } = await openFailing(t)
    level.beforeNextRead(async () => {
      await store.prune(8)
    })
    assert.equal(await store.getSubDag(5), undefined)
    level.beforeNextRead(async () => {
      await store.prune(9)
    })
    assert.deepEqual(await store.getCertifiers(8), [])
  })
})
