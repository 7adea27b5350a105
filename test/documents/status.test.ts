import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { type StatusReport, startStatusServer } from '../../src/operator/index.ts'
import { buildChain, TestNetwork } from '../../src/testing/index.ts'

const document = await readFile(new URL('../../docs/status.md', import.meta.url), 'utf8')

/** The keys that a section's table documents, and whether they are always there. */
function documented(section: string): Map<string, boolean> {
  const text = document.slice(document.indexOf(`## \`${section}\``)).split('\n## ')[0] ?? ''
  return new Map(
    [...text.matchAll(/^\| `(\S+)`( \?)? \|/gm)].map(([, key, optional]) => [key as string, optional === undefined])
  )
}

/** Objects whose keys are names that the answer chooses. */
const NAMED = new Set(['cursors', 'health', 'discovery.bySource', 'discovery.infos.refused', 'events[].data'])

/** The keys of an answer, down to what is no object. */
function keysOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return value.length === 0 ? [] : value.flatMap((item) => keysOf(item, `${path}[]`))
  if (typeof value !== 'object' || value === null) return [path]
  return Object.entries(value).flatMap(([key, inner]) => {
    const name = NAMED.has(path) ? '*' : key
    return keysOf(inner, path === '' ? name : `${path}.${name}`)
  })
}

function agree(answers: readonly unknown[], section: string): void {
  const keys = documented(section)
  const found = new Set(answers.flatMap((answer) => keysOf(answer)))
  assert.deepEqual(
    [...found].filter((key) => !keys.has(key)),
    [],
    `keys of ${section} that are not documented`
  )
  const lacking = [...keys].filter(([key, isAlways]) => isAlways && !found.has(key))
  assert.deepEqual(lacking, [], `documented keys that ${section} does not have`)
}

test('what /status and /history answer is what is documented', async (t) => {
  await using network = new TestNetwork(buildChain({ commits: 300 }))
  const validator = await network.start({ validator: 0, commits: 300 })
  const node = await network.start({ seeds: [validator], config: { commitsPerRange: 10 } })
  node.reportHealth('executor', { state: 'degraded', reason: 'no room' })
  const report = async (): Promise<StatusReport> => ({
    ...(await node.status()),
    executor: { highestExecuted: 1, failure: 'no room' }
  })
  const server = await startStatusServer({ node, report })
  t.after(() => server.stop())
  const answers: unknown[] = []
  const ask = async (path: string): Promise<unknown> => (await fetch(server.url + path)).json()
  while (node.store.watermarks.highestSynced.index < 300) answers.push(await ask('status'))
  await network.reached(node, 300)
  agree([...answers, await ask('status')], '/status')
  agree([await ask('history')], '/history')
})
