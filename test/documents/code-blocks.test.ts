import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseAllDocuments } from 'yaml'
import { configKeys, configSchema } from '../../examples/cli/config-schema.ts'
import * as soma from '../../src/index.ts'
import * as testing from '../../src/testing/index.ts'
import { type CodeBlock, ROOT, readDocComments, readDocuments } from './markdown.ts'

const blocks = [...(await readDocuments()).flatMap((document) => document.blocks), ...(await readDocComments())]

/** The blocks of some languages. */
function written(...languages: string[]): CodeBlock[] {
  return blocks.filter(({ language }) => languages.includes(language))
}

/** What a snippet may take for granted: the package's own names without an import, and whatever the text around it has spoken of. */
const GIVEN = `
import type * as soma from 'soma-p2p'
import type * as testing from 'soma-p2p/testing'
import type { createLibp2p as make } from 'libp2p'
import type { identify as identifies } from '@libp2p/identify'
import type { openLedger as open } from '${ROOT}examples/ledger/level-ledger.ts'
import type { runExecutor as run } from '${ROOT}examples/ledger/run-executor.ts'
declare global {
  const genesis: soma.Genesis
  const store: soma.CommitStore
  const seeds: string[]
  const signal: AbortSignal
  const node: soma.SomaNode
  /** A node whose word is trusted. */
  const trusted: soma.SomaNode
  const commit: soma.ConsensusCommit
  const committee: soma.Committee
  const lastCommit: soma.CommitRef
  const execute: (subDag: soma.CommittedSubDag) => Promise<void>
  const position: number
  const reason: string
  const signatures: ReturnType<typeof soma.acquireSignaturePool>
  const peerId: soma.SomaNode['peerId']
  const chain: testing.Chain
  /** A store of the reader's own. */
  const openMyStore: typeof soma.openLevelStore
  const createLibp2p: typeof make
  const identify: typeof identifies
  const openLedger: typeof open
  const runExecutor: typeof run
${[...Object.keys(soma).map((name) => [name, 'soma']), ...Object.keys(testing).map((name) => [name, 'testing'])]
  .map(([name, from]) => `  const ${name}: typeof ${from}.${name}`)
  .join('\n')}
}`

test('every TypeScript block compiles against the package', async (t) => {
  const snippets = written('typescript', 'ts')
  assert.ok(snippets.length > 2)
  const directory = await mkdtemp(join(tmpdir(), 'soma-p2p-blocks-'))
  t.after(() => rm(directory, { recursive: true }))
  await symlink(`${ROOT}node_modules`, join(directory, 'node_modules'))
  await writeFile(join(directory, 'package.json'), '{ "type": "module" }')
  const config = {
    extends: `${ROOT}tsconfig.json`,
    compilerOptions: {
      paths: { 'soma-p2p': [`${ROOT}src/index.ts`], 'soma-p2p/testing': [`${ROOT}src/testing/index.ts`] },
      typeRoots: [`${ROOT}node_modules/@types`],
      allowImportingTsExtensions: true,
      rewriteRelativeImportExtensions: false,
      isolatedDeclarations: false,
      declaration: false,
      noUnusedLocals: false
    },
    include: ['*.ts']
  }
  await writeFile(join(directory, 'tsconfig.json'), JSON.stringify(config))
  await writeFile(join(directory, 'given.d.ts'), GIVEN)
  for (const { where, code } of snippets) {
    const name = where.replaceAll(/[/:]/g, '_')
    await writeFile(join(directory, `${name}.ts`), `${code}\nexport {}\n`)
  }
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  const { status, stdout, stderr } = spawnSync(process.execPath, [tsc, '-p', directory, '--pretty', 'false'], {
    encoding: 'utf8'
  })
  assert.equal(status, 0, stdout + stderr)
})

test('every YAML block is YAML, and every configuration of a node one that a node takes', () => {
  const ofNodes = new Set(configKeys())
  let configurations = 0
  for (const { where, code } of written('yaml', 'yml')) {
    for (const document of parseAllDocuments(code)) {
      assert.deepEqual(document.errors, [], where)
      const value: unknown = document.toJS()
      if (typeof value !== 'object' || value === null || !Object.keys(value).every((key) => ofNodes.has(key))) continue
      configurations += 1
      const { error } = configSchema.safeParse({ genesis: 'genesis.bin', ...value }) // a part of one is as good
      assert.deepEqual(error?.issues ?? [], [], where)
    }
  }
  assert.ok(configurations > 0)
})

test('every JSON block is JSON', () => {
  for (const { where, code } of written('json')) assert.doesNotThrow(() => JSON.parse(code), where)
})

test('every block that is to be typed or compiled says what language it is in', () => {
  const silent = blocks.filter(({ language, code }) => language === '' && /^(npm|npx|soma-p2p|import) /m.test(code))
  assert.deepEqual(
    silent.map(({ where }) => where),
    []
  )
})
