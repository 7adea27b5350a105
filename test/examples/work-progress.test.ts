import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { workProgress } from '../../examples/cli/work-progress.ts'

function collecting(isTTY: boolean): { stream: Writable & { isTTY: boolean; columns: number }; text: () => string } {
  const chunks: string[] = []
  const stream = new Writable({
    write(chunk, _, done) {
      chunks.push(String(chunk))
      done()
    }
  })
  return { stream: Object.assign(stream, { isTTY, columns: 100 }), text: () => chunks.join('') }
}

test('without a terminal progress is a line every ten seconds and one at the end, with rate and time left', () => {
  let now = 0
  const { stream, text } = collecting(false)
  const progress = workProgress('chain', 'commits', stream, () => now)
  for (now = 1_000; now <= 20_000; now += 1_000) progress.show(now / 10, 3_000)
  assert.equal(
    text(),
    'chain: 1,000 of 3,000 commits, 100/s, 20 s left\nchain: 2,000 of 3,000 commits, 100/s, 10 s left\n'
  )
  progress.show(3_000, 3_000)
  progress.end()
  assert.match(text(), /\nchain: 3,000 of 3,000 commits, \d+\/s\n$/)
})

test('on a terminal it is a bar, which is left as it is at the end', () => {
  let now = 0
  const { stream, text } = collecting(true)
  const progress = workProgress('import', 'commits', stream, () => now)
  progress.show(0, 100)
  now = 1_000
  progress.show(50, 100)
  progress.end()
  progress.end()
  assert.match(text(), /import \[=+ +\] 50 of 100 commits, 50\/s, 1\.00 s left/)
})
