import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import { logNode } from '../../examples/cli/node-log.ts'
import { ManualClock } from '../peers/manual-clock.ts'
import { idleReport as idle } from './idle-report.ts'

test('progress is written every ten seconds in which there was some, and each change of health once', async () => {
  const clock = new ManualClock()
  const stop = new AbortController()
  const lines: { level: number; msg: string }[] = []
  const log = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) })
  let status = idle
  const running = logNode({ clock, signal: stop.signal, log, report: async () => status })
  const pass = async (seconds: number): Promise<string[]> => {
    for (let second = 0; second < seconds; second++) {
      while (clock.sleeping === 0) await new Promise(setImmediate)
      clock.advance(1_000)
    }
    while (clock.sleeping === 0) await new Promise(setImmediate)
    return lines.splice(0).map(({ level, msg }) => `${level} ${msg}`)
  }
  assert.deepEqual(await pass(9), [])
  assert.deepEqual(await pass(1), ['30 synced to 5 of 9, 0 peers'])
  assert.deepEqual(await pass(20), [])
  const executor = { highestExecuted: 8, transactions: 80, stateDigest: '' }
  status = { ...idle, highestSynced: { index: 10, digest: '' }, executor }
  assert.deepEqual(await pass(10), ['30 synced to 10 of 10, executed to 8, 0 peers'])
  status = { ...status, health: { storage: { state: 'degraded', reason: 'disk full' } } }
  assert.deepEqual(await pass(2), ['40 storage is degraded: disk full'])
  status = { ...status, health: { storage: { state: 'failed', reason: 'gone' } } }
  assert.deepEqual(await pass(2), ['50 storage is failed: gone'])
  status = { ...status, health: { storage: { state: 'ok' } } }
  assert.deepEqual(await pass(2), ['30 storage is ok'])
  stop.abort()
  await running
})
