// The process of one honest node. Its parent asks it over IPC: see protocol.ts.
import type { ChaosNode as Node } from './chaos-node.ts'
import { dialFrom } from './dial-from.ts'
import { heldMemory } from './held-memory.ts'
import type { NodeCalls } from './protocol.ts'
import { serveCalls, tell } from './serve-calls.ts'

const { ChaosNode } = await import('./chaos-node.ts')
let node: Promise<Node> | undefined

/** Calls that come while it starts wait. */
async function started(): Promise<Node> {
  if (node === undefined) throw new RangeError('not started')
  return node
}

serveCalls<NodeCalls>({
  async start(settings) {
    dialFrom(settings.ip)
    node = ChaosNode.start(settings, tell)
    await node
    return null
  },
  look: async () => (await started()).look(),
  held: heldMemory,
  async consensus(work) {
    const running = await started()
    await running.letConsensus(work)
    return null
  },
  async disk(fault) {
    const running = await started()
    running.failDisk(fault)
    return null
  },
  async clock(milliseconds) {
    const running = await started()
    running.jumpClock(milliseconds)
    return null
  },
  record: async ({ from, to }) => (await started()).record(from, to),
  async stop() {
    const running = await node
    await running?.stop()
    return null
  }
})
