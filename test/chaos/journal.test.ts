import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { accountOf, Journal, readJournal } from './journal.ts'

test('a journal goes on over the lives of its writer', () => {
  const directory = mkdtempSync(join(tmpdir(), 'soma-p2p-journal-'))
  const path = join(directory, 'journal')
  for (const [from, indexes] of [
    [0, [1, 2]],
    [3, [4]]
  ] as const) {
    const journal = new Journal(path)
    journal.began(from)
    for (const index of indexes) journal.executed(index, `state-${index}`)
    journal.close()
  }
  const { states, beginnings, faults } = readJournal(path)
  rmSync(directory, { recursive: true })
  assert.deepEqual(
    [...states],
    [1, 2, 4].map((index) => [index, `state-${index}`])
  )
  assert.deepEqual({ beginnings, faults }, { beginnings: 2, faults: [] })
})

test('a line that a kill cut off counts for nothing', () => {
  assert.deepEqual([...accountOf('began 0\n1 a\n2 b').states.keys()], [1])
})

for (const [what, text] of [
  ['a commit executed twice', 'began 0\n1 a\nbegan 0\n1 a\n'],
  ['a commit executed twice in one life', 'began 0\n1 a\n1 a\n'],
  ['a commit left out', 'began 0\n1 a\n3 c\n'],
  ['a ledger that went back', 'began 0\n1 a\n2 b\nbegan 1\n'],
  ['more executed than one write takes', 'began 0\n1 a\nbegan 66\n']
] as const) {
  test(`${what} is found`, () => assert.equal(accountOf(text).faults.length > 0, true))
}
