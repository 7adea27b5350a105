import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Makes the process believe that it runs an older Node, which runs no TypeScript. */
function onNode(version: string): string[] {
  const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`
  return ['--no-experimental-strip-types', '--import', `data:text/javascript,${encodeURIComponent(pretend)}`]
}

for (const script of ['examples/soma-p2p.mjs', 'test/run.mjs', 'bench/run.mjs']) {
  for (const version of ['14.21.3', '20.20.2', '22.17.1']) {
    test(`${script} tells Node ${version} in one sentence what is needed`, () => {
      const args = [...onNode(version), script, '--help']
      const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' })
      assert.equal(status, 1)
      assert.equal(stdout, '')
      assert.match(stderr, /^soma-p2p needs Node 22\.18 or newer and this is [\d.]+: "npm ci" [^\n]*\.\n$/)
    })
  }
}
