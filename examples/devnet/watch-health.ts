import type { SomaNode } from '../../src/node/soma-node.ts'
import { systemClock } from '../../src/runtime/clock.ts'

/** Milliseconds between looks. */
const LOOK_MS = 500

/**
 * Watches a node's health.
 *
 * @throws {Error} when a part of the node has failed: which, and why
 * @throws the signal's reason
 */
export async function watchHealth(node: Pick<SomaNode, 'status'>, signal: AbortSignal): Promise<void> {
  while (true) {
    const { health } = await node.status()
    for (const [part, { state, reason = 'for no known reason' }] of Object.entries(health)) {
      if (state === 'failed') throw new Error(`${part} has failed: ${reason}`)
    }
    await systemClock.sleep(LOOK_MS, { signal })
  }
}
