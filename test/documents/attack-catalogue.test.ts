import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'

const root = new URL('../../', import.meta.url)
const text = await readFile(new URL('docs/attack-catalogue.md', root), 'utf8')
const rows = text.split('\n').flatMap((line) => {
  const [, attack, file, name] = /^\|([^|]+)\|[^|]+\| `(test\/[^`]+\.test\.ts)`: ([^|]+?) \|$/.exec(line) ?? []
  return attack === undefined || file === undefined || name === undefined ? [] : [{ attack: attack.trim(), file, name }]
})

test('the catalogue of attacks has some forty rows, none twice', () => {
  assert.ok(rows.length >= 40, `${rows.length} rows`)
  assert.equal(new Set(rows.map(({ file, name }) => `${file}: ${name}`)).size, rows.length)
})

for (const { attack, file, name } of rows) {
  test(`there is a test for: ${attack}`, async () => {
    const source = await readFile(new URL(file, root), 'utf8')
    assert.ok(source.includes(name), `${file} has no test "${name}"`)
  })
}

test('every row of a table names its test', () => {
  const lines = text.split('\n').filter((line) => line.startsWith('| ') && !/^\| (attack or fault|---) /.test(line))
  assert.equal(lines.length, rows.length)
})
