import assert from 'node:assert/strict'
import { test } from 'node:test'
import { singleLine } from '../../src/runtime/single-line.ts'

test('what a terminal obeys, what ends a line, and what hides or turns around others becomes a space', () => {
  for (const unseen of [
    '\u0000',
    '\n',
    '\r\n',
    '\u001b',
    '\u007f',
    '\u009b',
    '\u2028',
    '\u202e',
    '\u2066',
    '\u200b',
    '\ufeff'
  ]) {
    assert.equal(singleLine(`a${unseen}b`), 'a b', JSON.stringify(unseen))
  }
  assert.equal(singleLine('größer 漢字 🦊'), 'größer 漢字 🦊')
})

test('a long text is cut', () => {
  assert.equal(singleLine('abcdef', 4), 'abc…')
  assert.equal(singleLine('abcd', 4), 'abcd')
})
