import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { readInput } from './corpus.ts'
import { targets } from './planted/targets.ts'
import { runTargets, type TargetSummary } from './run-targets.ts'

const MODULE: string = new URL('./planted/targets.ts', import.meta.url).href
/** Far more than any of the faults needs. */
const INPUTS = 45_000

describe('a planted fault is found, and the input kept:', () => {
  const found = new Map<string, TargetSummary>()
  let corpus: string

  before(async () => {
    corpus = await mkdtemp(join(tmpdir(), 'soma-p2p-fuzz-'))
    const summaries = await runTargets({ module: MODULE, inputs: INPUTS, seed: 1, hangMs: 3_000, corpus })
    for (const summary of summaries) found.set(summary.target, summary)
  })

  after(() => rm(corpus, { recursive: true }))

  const faults: Record<string, RegExp> = {
    'untyped-error': /RangeError: Offset is outside the bounds/,
    'allocates-by-number': /allocated \d+ bytes of buffers/,
    'lists-by-number': /allocated \d+ bytes of objects|allocated \d+ bytes of buffers/,
    'without-end': /no end within 3000 ms/,
    'false-value': /not a value that should be/,
    'unhandled-rejection': /unhandled rejection: Error: nobody looks/,
    'never-settles': /no end within 3000 ms/,
    'never-stops': /Error: open/
  }
  for (const [name, error] of Object.entries(faults)) {
    it(name, async () => {
      const { error: told = 'nothing', files = [] } = found.get(name) ?? {}
      assert.match(told, error)
      assert.ok(files.length > 0)
      const inputs = await Promise.all(files.map(readInput))
      assert.ok(inputs.every(({ byteLength }) => byteLength <= 64 * 1024))
    })
  }

  it('and nothing where there is none', () => {
    assert.deepEqual(found.get('sound')?.error, undefined)
    assert.equal(found.get('sound')?.inputs, INPUTS / 9)
  })

  it('the input that is kept breaks the same thing, and is a small one', async () => {
    const [file = ''] = found.get('false-value')?.files ?? []
    const input = await readInput(file)
    assert.deepEqual([...input], [0x80])
    const target = (await targets()).find(({ name }) => name === 'false-value')
    const opened = await target?.open()
    assert.throws(() => opened?.run(input), /not a value that should be/)
  })

  it('the same seed runs the same inputs', async () => {
    const again = await runTargets({ module: MODULE, inputs: 900, seed: 7, only: 'sound', corpus })
    const other = await runTargets({ module: MODULE, inputs: 900, seed: 7, only: 'sound', corpus })
    assert.deepEqual(
      again.map(({ outcomes, inputs }) => [outcomes, inputs]),
      other.map(({ outcomes, inputs }) => [outcomes, inputs])
    )
  })
})
