import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { killProcess } from './kill-process.ts'

test('a process that ended by itself is not taken for one that was killed', async () => {
  const failing = spawn(process.execPath, ['-e', 'Promise.reject(new Error("nobody handles this"))'], {
    stdio: 'ignore'
  })
  await once(failing, 'exit')
  await assert.rejects(killProcess(failing), /ended by itself before it was killed, with 1/)

  const waiting = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
  await killProcess(waiting)
  await killProcess(waiting)
})
