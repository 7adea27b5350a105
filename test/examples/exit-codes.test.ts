import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Interrupted } from '../../examples/cli/cli-error.ts'
import { reportError } from '../../examples/cli/report-error.ts'
import { ChainFileError } from '../../src/state-sync/chain-file.ts'
import { StoreDamagedError } from '../../src/state-sync/verify-store.ts'
import { StorageError } from '../../src/storage/storage-error.ts'
import { soma } from './in-process.ts'

const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')

async function emptyDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'soma-exit-'))
  t.after(() => rm(directory, { recursive: true }))
  return directory
}

/** How a command ends that failed with an error, without its words. */
function codeOf(t: TestContext, error: Error): number {
  const quiet = t.mock.method(console, 'error', () => {})
  const code = reportError(error)
  quiet.mock.restore()
  return code
}

/** Each exit code, and what leads to it. That a node ends with 130 and 0 is shown with processes, in cli.test.ts. */
const cases: Record<number, (t: TestContext) => Promise<number | null> | number> = {
  0: async (t) => (await soma(t, 'config', 'schema')).exitCode,
  1: async (t) => (await soma(t, 'status', '--data-dir', await emptyDirectory(t))).exitCode,
  2: async (t) => {
    const file = join(await emptyDirectory(t), 'node.yaml')
    await writeFile(file, 'genesis: 5')
    const codes = [
      (await soma(t, 'config', 'check', file)).exitCode,
      (await soma(t, 'ban', 'nobody')).exitCode,
      (await soma(t, 'ban', '12D3KooWMiSvVCoorbpCo3KMgiLU8iJGCuZQMN5sXGgvELrrzgWk', '--minutes', '0')).exitCode,
      codeOf(t, new StorageError('STORAGE_LOCKED', 'in use')),
      codeOf(t, new ChainFileError('CHAIN_FILE_GAP', 'begins too late'))
    ]
    assert.deepEqual(codes, [2, 2, 2, 2, 2])
    return 2
  },
  3: (t) => {
    const damage = [
      new StorageError('STORAGE_CORRUPTED', 'damaged'),
      new StoreDamagedError({ start: 1, end: 2 }, 'damaged'),
      new ChainFileError('CHAIN_FILE_DAMAGED', 'damaged'),
      new ChainFileError('CHAIN_FILE_REFUSED', 'lies')
    ]
    assert.deepEqual(
      damage.map((error) => codeOf(t, error)),
      [3, 3, 3, 3]
    )
    return 3
  },
  130: (t) => codeOf(t, new Interrupted('SIGINT')),
  143: (t) => codeOf(t, new Interrupted('SIGTERM'))
}

test('the README has a row for each exit code', () => {
  const table = readme.slice(readme.indexOf('| exit code |'))
  const rows = [...table.slice(0, table.indexOf('\n\n')).matchAll(/^\| (\d+) \|/gm)].map(([, code]) => code)
  assert.deepEqual(rows, Object.keys(cases))
})

for (const [code, end] of Object.entries(cases)) {
  test(`a command ends with exit code ${code} where the table says so`, async (t) => {
    assert.equal(await end(t), Number(code))
  })
}

test('no message of an error steers the terminal, one that nobody foresaw least of all', (t) => {
  const said = t.mock.method(console, 'error', () => {})
  reportError(new StorageError('STORAGE_CORRUPTED', 'a\u001b[2J\r\u009bb'))
  reportError(new TypeError('a\u001b[2J\r\u009bb'))
  said.mock.restore()
  const [foreseen, unforeseen] = said.mock.calls.map((call) => String(call.arguments[0]))
  assert.match(foreseen ?? '', /a \[2J b \[STORAGE_CORRUPTED\]/)
  assert.match(unforeseen ?? '', /unexpected: TypeError: a \[2J b\n {4}at /)
})
