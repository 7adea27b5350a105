import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/**
 * Kills a process in the middle of whatever it does. One that has ended by itself before, of a rejection that nobody handled say, is a failure of the test and not
 * taken for a victim.
 */
export async function killProcess(child: ChildProcess): Promise<void> {
  if (child.signalCode === 'SIGKILL') return
  const ended = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined
  child.kill('SIGKILL')
  await ended
  assert.equal(child.signalCode, 'SIGKILL', `the process ended by itself before it was killed, with ${child.exitCode}`)
}
