import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { openControlServer } from '../../examples/cli/control-server.ts'
import { idleReport } from './idle-report.ts'

const run = promisify(execFile)
const program = fileURLToPath(new URL('../../examples/soma-p2p.mjs', import.meta.url))
const hasTmux = await run('tmux', ['-V']).then(
  () => true,
  () => false
)

/** A window of a terminal, 80 by 24. It ends with the test. */
async function openTerminal(directory: string) {
  const tmux = async (...args: string[]) => (await run('tmux', ['-S', join(directory, 'tmux'), ...args])).stdout
  await tmux('-f', '/dev/null', 'new-session', '-d', '-x', '80', '-y', '24', `PS1='$ ' exec bash --norc --noprofile`)
  const type = (...keys: string[]) => tmux('send-keys', ...keys)
  const shows = async (pattern: RegExp) => {
    const signal = AbortSignal.timeout(60_000)
    for (;;) {
      const screen = await tmux('capture-pane', '-p')
      if (pattern.test(screen)) return screen
      if (signal.aborted) assert.fail(`no ${pattern} in\n${screen}`)
      await new Promise((wake) => setTimeout(wake, 100))
    }
  }
  return { type, shows, close: () => tmux('kill-server') }
}

test('status --watch in a terminal: a node comes, goes, and Ctrl-C leaves the screen as it was', {
  skip: hasTmux ? false : 'tmux is not installed'
}, async (context) => {
  const directory = await mkdtemp(join(tmpdir(), 'soma-watch-'))
  const terminal = await openTerminal(directory)
  context.after(async () => {
    await terminal.close()
    await rm(directory, { recursive: true })
  })
  const data = join(directory, 'd')
  await terminal.type('clear; echo what was before', 'Enter')
  await terminal.shows(/^what was before$/m)
  await terminal.type(
    `${process.execPath} -C source ${program} status --data-dir ${data} --watch; echo ended with $?`,
    'Enter'
  )
  await terminal.shows(/^no node is running on [\s\S]*looking\s+each\s+second/)
  await mkdir(data)
  const serve = () => openControlServer(data, { 'GET /status': async () => idleReport }, assert.fail)
  const control = await serve()
  const screen = await terminal.shows(/^full node 0\.1\.0/)
  assert.match(screen, /commit 5 of 9/)
  assert.doesNotMatch(screen, /what was before/)
  await control.stop()
  await terminal.shows(/^no node is running on[\s\S]*as it was seen last[\s\S]*commit 5 of 9/)
  await terminal.type('C-c')
  const after = await terminal.shows(/ended with 130/)
  assert.match(after, /^what was before$/m)
  assert.doesNotMatch(after, /full node|no node/)
})
