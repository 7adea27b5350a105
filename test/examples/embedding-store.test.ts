// The conformance suite runs on the example's store as it does for whoever copies it; here is what it leaves to a store's own tests.
import '../../examples/embedding/own-store/conformance.ts'
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { SqliteStore } from '../../examples/embedding/own-store/sqlite-store.ts'
import { StorageError, type StorageErrorCode } from '../../src/storage/index.ts'
import { buildChain, writeChain } from '../../src/testing/index.ts'

const { genesis, commits } = buildChain({ commits: 10 })

async function makePath(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'soma-p2p-sqlite-'))
  t.after(() => rm(directory, { recursive: true }))
  return join(directory, 'chain.sqlite')
}

function assertRefused(path: string, code: StorageErrorCode, of = genesis): void {
  assert.throws(
    () => new SqliteStore(path, { genesis: of }),
    (thrown) => thrown instanceof StorageError && thrown.code === code
  )
}

test('a SQLite store of another chain, of another version, and a file that is none are refused', async (t) => {
  const path = await makePath(t)
  await new SqliteStore(path, { genesis }).close()
  assertRefused(path, 'STORAGE_WRONG_CHAIN', buildChain({ commits: 1, seed: 2 }).genesis)

  const database = new DatabaseSync(path)
  database.exec('PRAGMA user_version = 99')
  database.close()
  assertRefused(path, 'STORAGE_WRONG_VERSION')

  await writeFile(`${path}.other`, 'no database, but as long as the head of one. '.repeat(100))
  assertRefused(`${path}.other`, 'STORAGE_CORRUPTED')
  assertRefused(join(path, 'below-a-file'), 'STORAGE_OPEN_FAILED')
})

test('a SQLite store that is open is locked for others', async (t) => {
  const path = await makePath(t)
  const store = new SqliteStore(path, { genesis })
  assertRefused(path, 'STORAGE_LOCKED')
  await store.close()
  await new SqliteStore(path, { genesis }).close()
})

test('what was changed beneath a SQLite store is damage, and never data', async (t) => {
  const path = await makePath(t)
  const store = new SqliteStore(path, { genesis })
  await writeChain(store, commits)
  await store.close()
  const database = new DatabaseSync(path)
  database.exec("UPDATE blocks SET bytes = CAST(bytes || x'00' AS BLOB)")
  database.exec('UPDATE commits SET digest = randomblob(32) WHERE commit_index = 2')
  database.close()
  const opened = new SqliteStore(path, { genesis })
  const isDamage = (thrown: unknown) => thrown instanceof StorageError && thrown.code === 'STORAGE_CORRUPTED'
  await assert.rejects(opened.getSubDag(1), isDamage)
  await assert.rejects(opened.getCommit(2), isDamage)
  await opened.close()
})

test('a write that SQLite refuses leaves the store as it was, and may be tried again', async (t) => {
  const path = await makePath(t)
  await new SqliteStore(path, { genesis }).close()
  const database = new DatabaseSync(path)
  database.exec(
    "CREATE TRIGGER full BEFORE INSERT ON commits WHEN NEW.commit_index = 7 BEGIN SELECT RAISE(ABORT, 'no room'); END"
  )
  database.close()
  const store = new SqliteStore(path, { genesis })
  await assert.rejects(
    writeChain(store, commits),
    (thrown) => thrown instanceof StorageError && thrown.code === 'STORAGE_WRITE_FAILED'
  )
  assert.equal(store.watermarks.highestSynced.index, 0)
  assert.equal(await store.getCommit(1), undefined)
  await writeChain(store, commits.slice(0, 6))
  assert.equal(store.watermarks.highestSynced.index, 6)
  await store.close()
})
