import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import type { SomaNode } from '../../src/node/soma-node.ts'
import { patience } from './meet-liar.ts'

/** Nothing is amiss with a node's sync any more: it may have been said to wait a moment ago, on a machine that is slow. */
export async function assertSyncIsWell(node: SomaNode): Promise<void> {
  const signal = patience()
  for (;;) {
    const health = (await node.status()).health['state-sync']
    if (health?.state === 'ok') return
    if (signal.aborted) assert.deepEqual(health, { state: 'ok' })
    await turn()
  }
}
