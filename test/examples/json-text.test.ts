import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonText } from '../../examples/cli/json-text.ts'

test('what a terminal obeys is escaped, and every program reads what was written', () => {
  const hostile = { reason: 'a\u001b[2J\u009b31m\u202e\u2028\u{e0041}b größer 🦊' }
  for (const space of [undefined, 2]) {
    const text = jsonText(hostile, space)
    assert.deepEqual(JSON.parse(text), hostile)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\p{Cf}\u2028]/u)
    assert.match(text, /größer 🦊/)
  }
  assert.equal(jsonText({ a: 1 }, 2), '{\n  "a": 1\n}')
})
