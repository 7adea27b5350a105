import assert from 'node:assert/strict'
import { test } from 'node:test'
import { watchHealth } from '../../examples/devnet/watch-health.ts'
import type { NodeStatus } from '../../src/node/soma-node.ts'

const statusWith = (health: NodeStatus['health']) => ({ status: async () => ({ health }) as NodeStatus })
const { signal } = new AbortController()

test('a part that has failed is told with its reason', async () => {
  const node = statusWith({ storage: { state: 'ok' }, sync: { state: 'failed', reason: 'a fork at commit 7' } })
  await assert.rejects(watchHealth(node, signal), { message: 'sync has failed: a fork at commit 7' })
})

test('a part that is degraded is the business of the node', async () => {
  const controller = new AbortController()
  const node = statusWith({ sync: { state: 'degraded', reason: 'no peers' } })
  const watching = watchHealth(node, controller.signal)
  controller.abort(new Error('over'))
  await assert.rejects(watching, { message: 'over' })
})
