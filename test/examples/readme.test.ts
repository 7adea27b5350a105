import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { configKeys } from '../../examples/cli/config-schema.ts'

const root = new URL('../../', import.meta.url)
const readme = await readFile(new URL('README.md', root), 'utf8')

test('the README has every key of the configuration, and no other', () => {
  const keys = configKeys().flatMap((key) => {
    const inner = configKeys([key]).map((name) => `${key}.${name}`)
    return inner.length > 0 ? inner : [key]
  })
  const table = readme.slice(readme.indexOf('| key | default |'))
  const rows = [...table.slice(0, table.indexOf('\n\n')).matchAll(/^\| `([\w.]+)` \|/gm)]
  assert.deepEqual(
    rows.map(([, key]) => key),
    keys
  )
})

test('the README and the guide show the smallest embedding as it is', async () => {
  const example = await readFile(new URL('examples/smallest-node.ts', root), 'utf8')
  const code = example.slice(example.indexOf('\n') + 1)
  const guide = await readFile(new URL('docs/embed.md', root), 'utf8')
  for (const text of [readme, guide]) assert.ok(text.includes(`\`\`\`typescript\n${code}\`\`\``))
})
