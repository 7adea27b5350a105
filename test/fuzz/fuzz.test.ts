import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runTargets, type TargetSummary } from './run-targets.ts'

/** A short slice of `npm run fuzz`. */
const INPUTS = 20_000

describe('hostile inputs', () => {
  const seed = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))

  it(`break nothing: seed ${seed}`, { timeout: 230_000 }, async () => {
    const summaries = await runTargets({ inputs: INPUTS, seed, hangMs: 60_000 })
    assert.ok(summaries.length > 50)
    assert.ok(summaries.every(({ inputs }) => inputs > 0))
    assert.deepEqual(summaries.filter(({ error }) => error !== undefined).map(describeFailure), [])
  })
})

function describeFailure({ target, seed, error, files }: TargetSummary): string {
  return `${target}, seed ${seed}: ${error}\nnpm run fuzz -- --replay ${files?.join(' ')}`
}
