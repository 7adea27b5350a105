import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CatchUp } from '../../examples/devnet/node-protocol.ts'
import { watchSync } from '../../examples/devnet/watch-sync.ts'
import type { SomaNode } from '../../src/node/soma-node.ts'

test('a catch-up counts what is stored, though the node counts it a moment later', async () => {
  const controller = new AbortController()
  const watermarks = { highestSynced: { index: 10 } }
  let looks = 0
  const node = {
    store: { watermarks },
    async status() {
      looks += 1
      if (looks === 1) watermarks.highestSynced = { index: 50 }
      const commits = looks < 4 ? 0 : 40
      const synced = { commits, blocks: 4 * commits, bytes: 1_000 * commits }
      return { highestSynced: watermarks.highestSynced, synced, bytesInFlight: 0, peers: [] }
    }
  } as unknown as SomaNode
  const caughtUp: CatchUp[] = []
  const watching = watchSync(
    node,
    {
      startedAt: 0,
      target: 50,
      highestExecuted: () => 50,
      onProgress: () => undefined,
      onCaughtUp(catchUp) {
        caughtUp.push(catchUp)
        controller.abort(new Error('over'))
      }
    },
    controller.signal
  )
  await assert.rejects(watching, { message: 'over' })
  assert.deepEqual(
    caughtUp.map(({ commits, blocks, bytes }) => ({ commits, blocks, bytes })),
    [{ commits: 40, blocks: 160, bytes: 40_000 }]
  )
})
