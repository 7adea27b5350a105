import assert from 'node:assert/strict'
import { glob, readFile } from 'node:fs/promises'
import { test } from 'node:test'

const root = new URL('../../', import.meta.url)
const read = (path: string) => readFile(new URL(path, root), 'utf8')
const document = await read('docs/logs.md')
/** What stands in the first column of a table. */
const documented = new Set([...document.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name))

test('every kind of event is documented, and no other', async () => {
  const source = await read('src/node/node-events.ts')
  const union = source.slice(source.indexOf('type NodeEventKind ='), source.indexOf('/** Something that'))
  const kinds = [...union.matchAll(/^ {2}\| '([a-z-]+)'/gm)].map(([, kind]) => kind)
  assert.ok(kinds.length > 10)
  assert.deepEqual(
    kinds.filter((kind) => !documented.has(kind)),
    []
  )
  assert.deepEqual(
    [...documented].filter((name) => /^[a-z-]+$/.test(name ?? '') && !kinds.includes(name) && !causes.has(name)),
    []
  )
})

const waits = await read('src/state-sync/sync-wait.ts')
const union = waits.slice(waits.indexOf('type SyncWaitCause ='), waits.indexOf('/** What one peer'))
const causes = new Set([...union.matchAll(/^ {2}\| '([a-z-]+)'/gm)].map(([, cause]) => cause))

test('every cause of a wait is documented', () => {
  assert.ok(causes.size > 8)
  assert.deepEqual(
    [...causes].filter((cause) => !documented.has(cause)),
    []
  )
})

test('every error that a component writes is documented', async () => {
  const lacking: string[] = []
  for await (const path of glob(['src/**/*.ts', 'examples/cli/*.ts'], { cwd: new URL('.', root).pathname })) {
    const source = await read(path)
    for (const [, template = ''] of source.matchAll(/log\.error\(\s*(?:\{[^}]*\},\s*)?'([^']+)'/g)) {
      const words = template.replaceAll(/ - %e$|: %s$/g, '').replaceAll(/%[a-z]/g, '…')
      if (words !== '%s' && words !== '…' && !documented.has(words)) lacking.push(`${path}: ${words}`)
    }
  }
  assert.deepEqual(lacking, [])
})
