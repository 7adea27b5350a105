import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createNode } from '../../src/index.ts'
import { buildChain, FailingDisk } from '../../src/testing/index.ts'

test('a node whose disk cannot be read says so in its status', async (t) => {
  const { genesis } = buildChain({ commits: 1 })
  const directory = await mkdtemp(join(tmpdir(), 'soma-p2p-failing-disk-'))
  const disk = new FailingDisk()
  const store = await disk.openStore(join(directory, 'chain'), { genesis })
  const node = await createNode({ genesis, store, config: { signatureWorkers: 0 } })
  t.after(async () => {
    await node.stop()
    await store.close()
    await rm(directory, { recursive: true })
  })
  disk.fail({ reads: true })
  const { health, cursors } = await node.status()
  assert.equal(health.storage?.state, 'degraded')
  assert.match(health.storage.reason ?? '', /^STORAGE_READ_FAILED: /)
  assert.deepEqual(cursors, {})
  disk.heal()
  assert.notEqual((await node.status()).health.storage?.state, 'degraded')
})
