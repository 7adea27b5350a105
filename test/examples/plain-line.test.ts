import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import { plainLine } from '../../examples/cli/plain-line.ts'

test('nothing in a line of the log steers a terminal, an error and its stack included, and nothing else changes', () => {
  const lines: string[] = []
  const log = pino({}, { write: (line) => void lines.push(plainLine(line)) })
  const hostile = 'a\u001b[2J\u009b31m\u202e\u0000\u007f\r\bb'
  log.error({ err: new Error(hostile, { cause: new Error(hostile) }), peer: hostile }, hostile)
  log.info('a\nb\tc \\u001b "größer" 🦊')
  const [error, info] = lines.map((line) => JSON.parse(line))
  assert.equal(error.msg, 'a [2J 31m     b')
  assert.equal(error.peer, error.msg)
  assert.equal(error.err.message, `${error.msg}: ${error.msg}`)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  assert.doesNotMatch(error.err.stack, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/)
  assert.match(error.err.stack, /\n {4}at /)
  assert.equal(info.msg, 'a\nb\tc \\u001b "größer" 🦊')
})
