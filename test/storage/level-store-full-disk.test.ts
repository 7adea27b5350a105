import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { openLevelStore } from '../../src/storage/level-store.ts'
import { buildChain } from '../../src/testing/chain-builder.ts'
import { assertWhole } from '../../src/testing/storage-conformance-fixture.ts'
import { ChildStore } from './child-store.ts'
import { EndlessChain } from './endless-chain.ts'

/** The shell and the tool that set and lift a limit on the size of files, which is refused as a full disk is. */
const haveLimits = ['bash', 'prlimit'].every((tool) => spawnSync(tool, ['--version']).status === 0)

describe('the on-disk store on a full disk', { skip: haveLimits ? false : 'no bash or prlimit' }, () => {
  it('refuses writes, goes on reading, writes when there is room again, and loses nothing', async (t) => {
    const path = await mkdtemp(join(tmpdir(), 'soma-full-disk-'))
    t.after(() => rm(path, { recursive: true }))
    const limited = ['bash', '-c', 'ulimit -S -f 2061 && exec "$0" "$@"'] // kibibytes: LevelDB's log is torn within one of its blocks
    const writer = new ChildStore(t, './full-disk-writer.ts', [path], limited)

    const refusal = await writer.line()
    const [code, before] = refusal.split(' ')
    assert.equal(code, 'STORAGE_WRITE_FAILED')
    assert.ok(Number(before) > 0)
    for (let time = 1; time <= 2; time++) {
      writer.say('again')
      assert.equal(await writer.line(), refusal, 'still full')
    }

    assert.equal(spawnSync('prlimit', ['--pid', String(writer.pid), '--fsize=unlimited:']).status, 0)
    for (let more = 1; more <= 3; more++) {
      writer.say('again')
      assert.equal(await writer.line(), `written ${Number(before) + more * 100}`)
    }
    await writer.kill()

    const { genesis } = buildChain({ commits: 0 })
    const chain = new EndlessChain(genesis)
    const store = await openLevelStore(path, { genesis })
    t.after(() => store.close())
    assert.equal(store.watermarks.highestSynced.index, Number(before) + 300)
    for (let index = 1; index <= Number(before) + 300; index++) await assertWhole(store, chain.commitAt(index))
  })
})
