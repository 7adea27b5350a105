import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Registry } from 'prom-client'
import { addDirectoryMetrics } from '../../../src/operator/metrics/directory-metrics.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { samplesOf } from './samples.ts'

test('a directory is as large as its files, looked at once a minute, and not shown when it is gone', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'soma-p2p-directory-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  await mkdir(join(directory, 'chain'))
  await writeFile(join(directory, 'key.json'), Buffer.alloc(10))
  await writeFile(join(directory, 'chain', '000001.ldb'), Buffer.alloc(1_000))
  let now = 0
  const registry = new Registry()
  addDirectoryMetrics(registry, directory, { ...systemClock, monotonic: () => now })
  const read = async () => samplesOf(await registry.metrics())

  const first = await read()
  assert.equal(first.get('soma_p2p_store_size_bytes'), 1_010)
  const [available, size] = ['available', 'size'].map((what) => first.get(`soma_p2p_store_filesystem_${what}_bytes`))
  assert.ok(available !== undefined && size !== undefined && available > 0 && available <= size)
  await writeFile(join(directory, 'more'), Buffer.alloc(5))
  now += 59_000
  assert.equal((await read()).get('soma_p2p_store_size_bytes'), 1_010)
  now += 2_000
  assert.equal((await read()).get('soma_p2p_store_size_bytes'), 1_015)
  await rm(directory, { recursive: true })
  now += 61_000
  assert.equal((await read()).size, 0)
})
