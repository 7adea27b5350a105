import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HealthRegistry } from '../../src/runtime/health.ts'

describe('HealthRegistry', () => {
  it('keeps the latest word on each part, and thinks well of those it has heard nothing of', () => {
    const health = new HealthRegistry()
    health.set('storage', { state: 'failed', reason: 'disk full' })
    health.set('sync', { state: 'degraded', reason: 'no peers' })
    health.set('sync', { state: 'ok' })
    assert.deepEqual(health.get('executor'), { state: 'ok' })
    assert.deepEqual(health.get('storage'), { state: 'failed', reason: 'disk full' })
    assert.deepEqual(health.all(), { storage: { state: 'failed', reason: 'disk full' }, sync: { state: 'ok' } })
  })
})
