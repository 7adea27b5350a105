// npm test [-- FILE...]: runs the given test files, or all of them.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { requireNode } from '../examples/require-node.mjs'

requireNode()

const given = process.argv.slice(2)
const files = given.filter((argument) => !argument.startsWith('-'))
const flags = given.filter((argument) => argument.startsWith('-'))
const run = spawnSync(
  process.execPath,
  // Two files at once, whatever the machine: they share its cores with the signature workers that they start.
  ['-C', 'source', '--test', '--test-concurrency=2', '--test-timeout=240000', ...flags].concat(
    files.length > 0 ? files : 'test/**/*.test.ts'
  ),
  { cwd: fileURLToPath(new URL('..', import.meta.url)), stdio: 'inherit' }
)
if (run.error !== undefined) throw run.error
process.exit(run.status === null ? 1 : run.status)
