import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { progressView } from '../../examples/devnet/progress-view.ts'

/** A stream that keeps what is written. */
class Page extends Writable {
  text = ''
  isTTY: boolean
  constructor(isTTY: boolean) {
    super()
    this.isTTY = isTTY
  }
  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    this.text += String(chunk)
    done()
  }
}

const row = (value: number) => ({ name: 'full-node-0', value, total: 2000, detail: `${value} blocks/s` })

test('where there is no terminal, rows become plain lines: now and then, and in the end', () => {
  const page = new Page(false)
  const view = progressView(page)
  view.say('Catching up')
  for (const value of [1, 2, 1500]) view.show([row(value)])
  view.settle()
  view.settle()
  view.say('Done')
  assert.equal(page.text, 'Catching up\n  full-node-0 1,500/2,000 commits 1500 blocks/s\nDone\n')
})

test('a line that is there is not written again when the rows are settled', (t) => {
  const page = new Page(false)
  const view = progressView(page)
  const now = t.mock.method(performance, 'now', () => 0)
  view.show([row(1)])
  now.mock.mockImplementation(() => 60_000)
  view.show([row(2)])
  view.settle()
  assert.equal(page.text, '  full-node-0 2/2,000 commits 2 blocks/s\n')
})

test('on a terminal they are bars, which leave no timer and no signal handler behind', () => {
  const page = new Page(true)
  const before = process.listenerCount('SIGINT')
  const view = progressView(page)
  view.show([row(1000)])
  assert.equal(process.listenerCount('SIGINT'), before)
  view.show([row(2000), { ...row(500), name: 'full-node-1' }])
  view.say('Done')
  assert.match(page.text, /full-node-0 \[=+\] 2,000\/2,000 commits 2000 blocks\/s/)
  assert.match(page.text, /full-node-1 \[=+ +\] 500\/2,000 commits/)
  assert(page.text.endsWith('Done\n'))
})
