import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { cp, mkdir, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { openControlServer } from '../../examples/cli/control-server.ts'
import { BanTable } from '../../src/peers/ban-table.ts'
import { toHex } from '../../src/runtime/hex.ts'
import { encodeHaltRecord, HALT_RECORD } from '../../src/state-sync/halt-evidence.ts'
import { SyncError } from '../../src/state-sync/sync-error.ts'
import { openLevelStore } from '../../src/storage/level-store.ts'
import { buildChain, commitAt } from '../../src/testing/chain-builder.ts'
import { changingValidators } from '../../src/testing/changing-validators.ts'
import { writeChain } from '../../src/testing/write-chain.ts'
import { type CliResult, soma } from './in-process.ts'

const validators = changingValidators({ sizes: [4] })
const chain = buildChain({ commits: 60, transactions: 2, epochs: { commits: 25, validators } })
const at40 = commitAt(chain, 40).subDag

let directory: string
let flags: string[]
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'soma-offline-'))
  const config = join(directory, 'node.yaml')
  await writeFile(join(directory, 'genesis.bin'), chain.genesis.bytes)
  await writeFile(config, 'genesis: genesis.bin\ndataDir: node\nsync: { signatureWorkers: 0 }\n')
  await mkdir(join(directory, 'node'))
  const store = await openLevelStore(join(directory, 'node', 'chain'), chain)
  await writeChain(store, chain.commits)
  await store.setCursor('executor', 59)
  const bans = new BanTable(10)
  bans.add({ peerId: '12D3KooWbanned', untilMs: Date.now() + 3_600_000, reason: 'floods us' }, Date.now())
  await store.setRecord('peers/bans', bans.encode(Date.now()))
  await store.close()
  flags = ['--config', config]
})
after(() => rm(directory, { recursive: true }))

const file = (name: string): string => join(directory, name)

async function fingerprint(path: string): Promise<string[]> {
  const names = (await readdir(path, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
  const lines = names.map(async ({ parentPath, name }) => {
    const { mtimeMs, size } = await stat(join(parentPath, name))
    return `${name} ${mtimeMs} ${size} ${createHash('sha256')
      .update(await readFile(join(parentPath, name)))
      .digest('hex')}`
  })
  return (await Promise.all(lines)).toSorted()
}

function ok({ exitCode, stdout, stderr }: CliResult): string {
  assert.equal(exitCode, 0, stderr)
  return stdout
}

test('inspect shows commit, block and store, verifies all of it, and changes nothing', async (t) => {
  const before = await fingerprint(file('node'))
  const { ref, commit } = at40.commit
  const byIndex = ok(await soma(t, 'inspect', 'commit', '40', ...flags))
  assert.match(byIndex, new RegExp(`^commit +40, epoch 1\ndigest +${toHex(ref.digest)}\n`))
  assert.equal(ok(await soma(t, 'inspect', 'commit', toHex(ref.digest), ...flags)), byIndex)
  const json = JSON.parse(ok(await soma(t, 'inspect', 'commit', '40', '--json', ...flags)))
  assert.equal(json.blocks.length, at40.blocks.length)
  assert.ok(json.certifiedBy >= json.quorum)
  const { epoch, round, author, digest } = commit.leader
  const block = ok(await soma(t, 'inspect', 'block', `${epoch}/${round}/${author}`, ...flags))
  assert.match(
    block,
    new RegExp(`^block +epoch 1, round ${round}, author ${author}\ndigest +${toHex(digest)}\ncommit +40\n`)
  )
  assert.equal(ok(await soma(t, 'inspect', 'block', toHex(digest).slice(0, 12), ...flags)), block)
  const store = ok(await soma(t, 'inspect', 'store', ...flags))
  assert.match(store, /^synced +to commit 60$/m)
  assert.match(store, /^epochs +0 {2}commits 1 to 25, 4 validators/m)
  assert.match(store, /^ +2 {2}from commit 51, 4 validators/m)
  assert.match(store, /^cursors +executor at commit 59$/m)
  assert.match(store, /12D3KooWbanned for (59 min|1 h).*: floods us/)
  assert.match(store, /^halted +never$/m)
  const verified = ok(await soma(t, 'inspect', 'verify', ...flags))
  assert.match(
    verified,
    /^whole +commits 1 to 60: \d+ blocks, [\d.]+ MiB, 2 ends of epochs\nvalues +\d+, all as they were written\n/
  )
  assert.equal(
    JSON.parse(ok(await soma(t, 'inspect', 'verify', '--json', '--from', '30', '--to', '50', ...flags))).chain.to,
    50
  )
  assert.deepEqual(await fingerprint(file('node')), before)
})

test('inspect store tells why a sync halted', async (t) => {
  await cp(file('node'), file('halted'), { recursive: true })
  const store = await openLevelStore(join(file('halted'), 'chain'), chain)
  const error = new SyncError('SYNC_FORK', 'two chains')
  const highestSynced = store.watermarks.highestSynced
  await store.setRecord(HALT_RECORD, encodeHaltRecord(error, undefined, { atMs: 0, highestSynced, peer: undefined }))
  await store.close()
  const text = ok(await soma(t, 'inspect', 'store', ...flags, '--data-dir', file('halted')))
  assert.match(text, /^halted +1970-01-01T00:00:00.000Z, at commit 60: two chains \[SYNC_FORK\]$/m)
})

test('nothing in a store steers the terminal of whoever looks into it', async (t) => {
  await cp(file('node'), file('hostile'), { recursive: true })
  const store = await openLevelStore(join(file('hostile'), 'chain'), chain)
  const hostile = 'a\u001b[2J\nb\u009b\u202e'
  await store.setRecord(hostile, Uint8Array.of(1))
  await store.setCursor(hostile, 5)
  const bans = new BanTable(10)
  bans.add({ peerId: '12D3KooWbanned', untilMs: Date.now() + 3_600_000, reason: hostile }, Date.now())
  await store.setRecord('peers/bans', bans.encode(Date.now()))
  const error = new SyncError('SYNC_FORK', hostile)
  const highestSynced = store.watermarks.highestSynced
  await store.setRecord(HALT_RECORD, encodeHaltRecord(error, undefined, { atMs: 0, highestSynced, peer: undefined }))
  await store.close()
  const text = ok(await soma(t, 'inspect', 'store', ...flags, '--data-dir', file('hostile')))
  assert.equal(text.match(/a \[2J b/g)?.length, 4)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  assert.doesNotMatch(text, /\u001b\[2J|[\u0080-\u009f\u202e]/)
})

test('a time beyond all dates is shown as it was written', async (t) => {
  const late = buildChain({ commits: 1, startTimeMs: 8_640_000_000_000_001 })
  await writeFile(file('late.bin'), late.genesis.bytes)
  const store = await openLevelStore(join(file('late'), 'chain'), late)
  await writeChain(store, late.commits)
  await store.close()
  const where = ['--genesis', file('late.bin'), '--data-dir', file('late')]
  const { commit } = commitAt(late, 1).subDag.commit
  assert.match(
    ok(await soma(t, 'inspect', 'commit', '1', ...where)),
    new RegExp(`^time +${commit.timestampMs} ms$`, 'm')
  )
  const { epoch, round, author } = commit.leader
  assert.match(ok(await soma(t, 'inspect', 'block', `${epoch}/${round}/${author}`, ...where)), /^time +864\d+ ms$/m)
})

test('whoever interrupts an inspection leaves nothing behind', async (t) => {
  const { TMPDIR } = process.env
  const temporary = await mkdtemp(join(directory, 'temporary-'))
  process.env.TMPDIR = temporary
  t.after(() => {
    if (TMPDIR === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = TMPDIR
  })
  const digest = toHex(at40.blocks[0]?.ref.digest ?? assert.fail()).slice(0, 12)
  for (const args of [['block', digest], ['commit', '40'], ['store'], ['verify']]) {
    const listeners = process.listenerCount('SIGINT')
    const ended = soma(t, 'inspect', ...args, ...flags)
    while (process.listenerCount('SIGINT') === listeners) await new Promise(setImmediate)
    process.emit('SIGINT', 'SIGINT')
    assert.deepEqual(await ended, { exitCode: 130, stdout: '', stderr: '' }, args.join(' '))
    assert.deepEqual(await readdir(temporary), [])
    assert.equal(process.listenerCount('SIGINT'), listeners)
  }
})

test('a damaged store ends verification with exit code 3, what is damaged, and the next step', async (t) => {
  await cp(file('node'), file('damaged'), { recursive: true })
  const { bytes, ref } = at40.blocks[0] ?? assert.fail()
  const path = join(file('damaged'), 'chain')
  for (const name of await readdir(path)) {
    const at = /\.(ldb|log)$/.test(name) ? (await readFile(join(path, name))).indexOf(bytes.subarray(0, 60)) : -1
    if (at === -1) continue
    const store = await openLevelStore(path, chain) // the log becomes a table, of which LevelDB checks nothing when it reads
    await store.close()
  }
  const table = (await readdir(path)).find((name) => name.endsWith('.ldb')) ?? assert.fail()
  await using damaged = await open(join(path, table), 'r+')
  const at = (await readFile(join(path, table))).indexOf(bytes.subarray(0, 60))
  await damaged.write(Uint8Array.of((bytes[20] ?? 0) ^ 4), 0, 1, at + 20)
  const { exitCode, stdout, stderr } = await soma(
    t,
    'inspect',
    'verify',
    '--json',
    ...flags,
    '--data-dir',
    file('damaged')
  )
  assert.equal(exitCode, 3)
  assert.match(
    stderr,
    new RegExp(
      `^error: block ${ref.epoch}/${ref.round}/${ref.author} ${toHex(ref.digest)} is not what was written; commits `,
      'm'
    )
  )
  assert.match(stderr, /\[STORE_DAMAGED\]\. Check the disk, then /)
  assert.equal(JSON.parse(stdout).ok, false)
})

test('a store in the hands of a running node, or none, is not looked into', async (t) => {
  const control = await openControlServer(file('node'), { 'GET /status': async () => ({}) }, () => {})
  t.after(() => control.stop())
  for (const args of [
    ['inspect', 'store'],
    ['export', '--out', file('x')],
    ['import', file('genesis.bin')]
  ]) {
    const { exitCode, stderr } = await soma(t, ...args, ...flags)
    assert.equal(exitCode, 2)
    assert.match(stderr, /a node is running on .* \[CONTROL_NODE_RUNNING\]\. Stop it first/)
  }
  const { exitCode, stderr } = await soma(t, 'inspect', 'store', ...flags, '--data-dir', file('nowhere'))
  assert.match(stderr, /there is no store in .* \[STORAGE_OPEN_FAILED\]/)
  assert.equal(exitCode, 1)
})

test('what is asked for and not there, or no commit or block, is a mistake', async (t) => {
  for (const [args, message] of [
    [['commit', '61'], /commit 61 is not in the store, which has commits 1 to 60 \[NOT_IN_STORE\]/],
    [['commit', 'abc'], /a commit is an index, or a digest of 64 hexadecimal digits, not "abc" \[USAGE\]/],
    [['block', '9/9/9'], /block 9\/9\/9 is not in the store/],
    [['block', 'xyz'], /a block is EPOCH\/ROUND\/AUTHOR or eight digits/],
    [['verify', '--from', '70'], /the store has commits 1 to 60, not 70 to 60 \[USAGE\]/]
  ] as const) {
    const { exitCode, stderr } = await soma(t, 'inspect', ...args, ...flags)
    assert.match(stderr, message)
    assert.equal(exitCode, 2)
  }
})

test('what export writes import brings into an empty node, and once more to no effect', async (t) => {
  const out = file('chain.soma')
  assert.match(ok(await soma(t, 'export', '--out', out, ...flags)), /^commits {2}1 to 60\nfile +.*chain\.soma, /)
  const target = [...flags, '--data-dir', file('imported')]
  assert.match(
    ok(await soma(t, 'import', out, ...target)),
    /^file +commits 1 to 60\nstored +60 commits\nsynced +to commit 60\n$/
  )
  assert.match(ok(await soma(t, 'import', out, ...target)), /^stored +nothing new$/m)
  ok(await soma(t, 'inspect', 'verify', ...target))
  const again = await soma(t, 'export', '--out', out, ...flags)
  assert.match(again.stderr, /chain\.soma is there already \[FILE_EXISTS\]/)
  assert.equal(again.exitCode, 2)
})

test('a file that is refused is a matter of who made it, and leaves nothing half-written', async (t) => {
  const out = file('part.soma')
  ok(await soma(t, 'export', '--from', '20', '--to', '30', '--out', out, ...flags))
  const gap = await soma(t, 'import', out, ...flags, '--data-dir', file('gap'))
  assert.match(gap.stderr, /begins with commit 20, and the store needs commit 1 next \[CHAIN_FILE_GAP\]/)
  assert.equal(gap.exitCode, 2)
  const bytes = await readFile(out)
  bytes[100] = (bytes[100] ?? 0) ^ 1
  await writeFile(out, bytes)
  const damaged = await soma(t, 'import', out, ...flags)
  assert.match(damaged.stderr, /its checksum differs \[CHAIN_FILE_DAMAGED\]\. Copy the file again/)
  assert.equal(damaged.exitCode, 3)
  const none = await soma(t, 'export', '--from', '61', '--out', file('none.soma'), ...flags)
  assert.match(none.stderr, /\[CHAIN_FILE_EMPTY_RANGE\]/)
  assert.equal(none.exitCode, 2)
  assert.deepEqual(
    (await readdir(directory)).filter((name) => name.includes('none.soma')),
    []
  )
})
