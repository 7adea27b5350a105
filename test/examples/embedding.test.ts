import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { CliProcess } from './cli-process.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** Node itself may go round for ever at its end: see `examples/end-when-idle.ts`. */
const ENDING = ['env', `NODE_OPTIONS=--import=${root}test/end-when-idle.ts`]

/** What each example prints, line by line, and nothing else. */
const EXAMPLES: Readonly<Record<string, readonly RegExp[]>> = {
  'own-store/run.ts': [
    /^opened at commit 0$/,
    /^synced to commit 120$/,
    /^opened at commit 120$/,
    /^synced to commit 200$/
  ],
  'own-transaction-verifier.ts': [
    /^honest chain: synced to commit 100$/,
    /^forging chain: stopped at commit [12]?\d, halted, SYNC_CERTIFIED_DATA_REFUSED: .* is not signed by its sender$/
  ],
  'own-libp2p.ts': [/^synced to commit 300$/, /^250 bytes cost 2500, says the peer that discovery has found$/],
  'exactly-once.ts': [
    /^begins at commit 1$/,
    /^killed by SIGKILL in commit 40$/,
    /^begins at commit 40$/,
    /^killed by SIGKILL in commit 90$/,
    /^begins at commit 90$/,
    /^ended with exit code 0$/,
    /^every block of the chain counted once$/
  ],
  'own-consensus.ts': [
    /^both validators have handed in 20 commits$/,
    /^the second was overtaken: its node has synced to commit 60$/,
    /^both go on by themselves to commit 80$/,
    /^a commit after one that was never handed in: CONSENSUS_GAP$/
  ]
}

for (const [example, lines] of Object.entries(EXAMPLES)) {
  test(`examples/embedding/${example} does what it says`, async (t) => {
    const directory = await mkdtemp(join(tmpdir(), 'soma-p2p-embedding-'))
    t.after(() => rm(directory, { recursive: true }))
    const { exitCode, stdout, stderr } = await new CliProcess(
      [],
      directory,
      `examples/embedding/${example}`,
      ENDING
    ).ended()
    assert.equal(exitCode, 0, stdout + stderr)
    const printed = stdout.trimEnd().split('\n')
    for (const [at, line] of lines.entries()) assert.match(printed[at] ?? '', line)
    assert.equal(printed.length, lines.length, stdout)
    assert.deepEqual(await readdir(directory), [], 'it leaves nothing behind')
  })
}

test('every example is run, and imports nothing but packages and its own files', async () => {
  const found = await readdir(join(root, 'examples/embedding'), { recursive: true })
  for (const name of found.filter((file) => file.endsWith('.ts'))) {
    const text = await readFile(join(root, 'examples/embedding', name), 'utf8')
    assert.doesNotMatch(text, /from '\.\.\//, name)
    if (/ node -C source examples/.test(text)) assert.ok(name in EXAMPLES, `${name} is not run`)
  }
})
