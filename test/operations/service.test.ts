import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'

const unit = await readFile(new URL('../../operations/soma-p2p.service', import.meta.url), 'utf8')
const skip = spawnSync('systemd-analyze', ['--version']).error !== undefined && 'systemd-analyze is not installed'

/** The unit as it would be installed here: with a Node that is there. */
async function installed(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'soma-service-'))
  t.after(() => rm(directory, { recursive: true }))
  const path = join(directory, 'soma-p2p.service')
  await writeFile(path, unit.replace('ExecStart=/usr/bin/node', `ExecStart=${process.execPath}`))
  return path
}

test('systemd takes the unit as it is, without a warning', { skip }, async (t) => {
  const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', await installed(t)], { encoding: 'utf8' })
  assert.deepEqual([status, stdout, stderr], [0, '', ''])
})

test('systemd finds the unit little exposed', { skip }, async (t) => {
  const args = ['security', '--offline=true', '--threshold=20', '--no-pager', await installed(t)]
  const { status, stdout, stderr } = spawnSync('systemd-analyze', args, { encoding: 'utf8' })
  assert.equal(status, 0, stdout + stderr)
  assert.match(stdout, /Overall exposure level for soma-p2p\.service: [01]\.\d OK/)
})

test('a node is started again after what may pass, and not after what somebody has to look at', () => {
  const settings = new Map([...unit.matchAll(/^(\w+)=(.*)$/gm)].map(([, key = '', value = '']) => [key, value]))
  assert.equal(settings.get('Restart'), 'on-failure')
  assert.equal(settings.get('RestartPreventExitStatus'), '2 3')
  assert.equal(settings.get('KillSignal'), 'SIGTERM')
  assert.ok(Number(settings.get('TimeoutStopSec')) >= 30)
  assert.ok(!settings.has('MemoryDenyWriteExecute'), 'V8 could not run')
  assert.ok(settings.get('ExecStart')?.includes(`--data-dir /var/lib/${settings.get('StateDirectory')}`))
})
