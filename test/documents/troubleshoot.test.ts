import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { nextStep } from '../../examples/cli/next-step.ts'
import { consequenceOf, DISCOVERY_CONSEQUENCES } from '../../src/index.ts'
import { filesOf, ROOT } from './markdown.ts'

const CODE = /'([A-Z]+(?:_[A-Z]+)*)'/g

const text = await readFile(`${ROOT}docs/troubleshoot.md`, 'utf8')
const rows = [...text.matchAll(/^\| `([A-Z]+(?:_[A-Z]+)*)` \| (.+) \| ?(.*) \|$/gm)].map(
  ([, code, meaning, remedy]) => ({ code: code as string, meaning: meaning as string, remedy: remedy as string })
)

/** Every code of an error, from the types that list them. */
async function codesInSource(): Promise<string[]> {
  const files = [...(await filesOf('src/**/*.ts')), ...(await filesOf('examples/**/*.ts'))]
  const sources = await Promise.all(files.map((file) => readFile(`${ROOT}${file}`, 'utf8')))
  return sources.flatMap((source) => {
    const unions = [...source.matchAll(/^export type \w+ErrorCode =((?:\n? +(?:\|.*|\/\/.*|'.*))+)/gm)].map(
      ([, body]) => body
    )
    const alone = [...source.matchAll(/extends SomaError<('[A-Z_]+')>/g)].map(([, code]) => code)
    return [...unions, ...alone].flatMap((body) =>
      [...(body as string).replaceAll(/\/\/.*$/gm, '').matchAll(CODE)].map(([, code]) => code as string)
    )
  })
}

test('every code of an error has its row, once, and every row is of an error', async () => {
  const codes = await codesInSource()
  assert.ok(codes.length > 150, `${codes.length} codes`)
  assert.equal(new Set(codes).size, codes.length, 'a code is unique in the package')
  assert.deepEqual(rows.map(({ code }) => code).sort(), codes.toSorted())
})

test('what comes of a peer has the consequence that the node draws', () => {
  const said = rows.filter(({ remedy }) => /^`(none|backoff|penalty|ban)`$/.test(remedy))
  assert.ok(said.length > 60, `${said.length} consequences`)
  const inDiscovery: Readonly<Record<string, string>> = DISCOVERY_CONSEQUENCES
  for (const { code, remedy } of said) assert.equal(remedy, `\`${inDiscovery[code] ?? consequenceOf(code)}\``, code)
  for (const { code, remedy } of rows) {
    if (consequenceOf(code) !== 'none') assert.equal(remedy, `\`${consequenceOf(code)}\``, code)
  }
})

test('every other code says what to do, as the command line does', () => {
  for (const { code, meaning, remedy } of rows) {
    assert.ok(meaning.length > 5, code)
    if (nextStep(code) !== undefined) assert.ok(remedy.length > 3, code)
  }
})
