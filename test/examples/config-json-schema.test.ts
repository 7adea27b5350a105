import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { configJsonSchema, defaultValueOf, type JsonSchema } from '../../examples/cli/config-json-schema.ts'
import { configKeys, configSchema } from '../../examples/cli/config-schema.ts'
import { CONFIG_TEXTS } from '../../examples/cli/config-texts.ts'
import { NODE_DEFAULTS } from '../../src/node/node-config.ts'
import { soma } from './in-process.ts'

const root = new URL('../../', import.meta.url)
const keys = configKeys().flatMap((key) => {
  const inner = key === 'log' ? ['level', 'components'] : configKeys([key])
  return inner.length > 0 ? inner.map((name) => `${key}.${name}`) : [key]
})

function at(schema: JsonSchema, key: string): JsonSchema {
  return key.split('.').reduce((found, part) => found.properties?.[part] ?? assert.fail(key), schema)
}

test('operations/config.schema.json is the schema of the configuration: "soma-p2p config schema" prints it', async (t) => {
  const file: unknown = JSON.parse(await readFile(new URL('operations/config.schema.json', root), 'utf8'))
  assert.deepEqual(file, configJsonSchema(), 'soma-p2p config schema > operations/config.schema.json')
  assert.deepEqual(JSON.parse((await soma(t, 'config', 'schema')).stdout), file)
})

test('every key of the configuration has its words, and every word a key', () => {
  assert.deepEqual(Object.keys(CONFIG_TEXTS), keys)
})

test('the table of the README says of every key what the schema says', async () => {
  const readme = await readFile(new URL('README.md', root), 'utf8')
  const table = readme.slice(readme.indexOf('| key | default |'))
  const rows = Object.entries(CONFIG_TEXTS).map(([key, { fallback, text }]) =>
    fallback === '' ? `| \`${key}\` | | ${text} |` : `| \`${key}\` | ${fallback} | ${text} |`
  )
  assert.deepEqual(table.slice(0, table.indexOf('\n\n')).split('\n').slice(2), rows)
})

test('every key of the schema has a description, and no object takes an unknown one', () => {
  const schema = configJsonSchema()
  for (const key of keys) assert.match(at(schema, key).description ?? '', /^\S.*\.$/, key)
  assert.deepEqual(schema.required, ['genesis'])
  for (const section of ['network', 'sync', 'http', 'scripted', 'log']) {
    assert.equal(at(schema, section).additionalProperties, false, section)
  }
})

test('the defaults are those that hold: the configuration takes them, fills them in, and the node has the same', () => {
  const schema = configJsonSchema()
  const filled: Record<string, unknown> = { ...configSchema.parse({ genesis: 'genesis.bin' }) }
  for (const key of keys) {
    const value = at(schema, key).default
    const [first = '', second] = key.split('.')
    const section = filled[first]
    const own = second === undefined ? section : (section as Record<string, unknown>)[second]
    const nodes = (NODE_DEFAULTS as unknown as Record<string, unknown>)[second ?? first]
    if (own !== undefined && key !== 'genesis') assert.deepEqual(value, own, key)
    else if (typeof nodes === 'number' && Number.isSafeInteger(nodes) && key !== 'sync.signatureWorkers') {
      assert.equal(value, nodes, key)
    }
    if (value === undefined) continue
    const written = second === undefined ? { [first]: value } : { [first]: { [second]: value } }
    const parsed = configSchema.safeParse({ genesis: 'genesis.bin', ...written })
    assert.ok(parsed.success, `${key}: ${parsed.error?.message}`)
  }
  assert.equal(defaultValueOf("the node's own"), undefined)
})

test('config check says whether a file is right, and what is wrong with which key of which line', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'soma-config-check-'))
  t.after(() => rm(directory, { recursive: true }))
  const file = join(directory, 'node.yaml')
  await writeFile(file, 'genesis: genesis.bin\nsync: { commitsPerRange: 10 }\n')
  assert.equal((await soma(t, 'config', 'check', file)).stdout, `${file} is right\n`)
  assert.equal(JSON.parse((await soma(t, 'config', 'check', file, '--json')).stdout).sync.commitsPerRange, 10)
  await writeFile(file, 'genesis: genesis.bin\nsync:\n  commitsPerRange: 1000\n')
  const { exitCode, stderr } = await soma(t, 'config', 'check', file)
  assert.equal(exitCode, 2)
  assert.match(
    stderr,
    /node\.yaml:3: sync\.commitsPerRange should be a whole number from 1 to 100, not 1000 \[CONFIG_WRONG_VALUE\]/
  )
})
