// npm test [-- FILE...]: runs the given test files, or all of them.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { requireNode } from '../examples/require-node.mjs'

requireNode()

const root = fileURLToPath(new URL('..', import.meta.url))
const given = process.argv.slice(2)
const files = given.filter((argument) => !argument.startsWith('-'))
const flags = given.filter((argument) => argument.startsWith('-'))
const run = spawnSync(
  process.execPath,
  // Two files at once, whatever the machine: they share its cores with the signature workers that they start.
  [
    '-C',
    'source',
    '--import',
    './test/end-when-idle.ts',
    '--test',
    '--test-concurrency=2',
    '--test-timeout=240000',
    ...flags
  ].concat(files.length > 0 ? files : 'test/**/*.test.ts'),
  {
    cwd: root,
    stdio: 'inherit',
    // Each file is a process of its own that loads libp2p: compiled code is shared between them.
    env: { ...process.env, NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/node-compile-cache') }
  }
)
if (run.error !== undefined) throw run.error
process.exit(run.status === null ? 1 : run.status)
