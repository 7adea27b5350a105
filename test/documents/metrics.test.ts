import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { DOCUMENT, metricsDocument } from '../operator/metrics/metrics-document.ts'

test('docs/metrics.md says what a running node has, with type, labels and meaning', async () => {
  const text = await metricsDocument()
  assert.doesNotMatch(text, /Undocumented/)
  assert.equal(await readFile(DOCUMENT, 'utf8'), text, 'npm run metrics:document writes it anew')
})
