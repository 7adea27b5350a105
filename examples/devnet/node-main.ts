// The process of one node of a devnet. Its parent starts it, asks it and stops it over IPC; see node-protocol.ts.
import { endWhenIdle } from '../end-when-idle.ts'
import { describeThrown } from './describe-thrown.ts'
import type { DevnetNode as Node } from './devnet-node.ts'
import type { AnswerMessage, CallMessage, NodeCalls, NodeEvent } from './node-protocol.ts'

// Ctrl-C reaches every process of the terminal; it is the parent who decides what follows.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined)

/** How long a node may take to stop when its parent is gone. */
const ORPHAN_STOP_MS = 5_000

/** Resolves when the message is on its way. A parent that is gone needs none. */
function tell(message: NodeEvent | AnswerMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.connected) process.send?.(message, undefined, undefined, () => resolve())
    else resolve()
  })
}

// Loaded after the signals are in hand: libp2p takes a second.
const { DevnetNode } = await import('./devnet-node.ts')
let running: Promise<Node> | undefined

const calls: { [C in keyof NodeCalls]: (argument: NodeCalls[C]['argument']) => Promise<NodeCalls[C]['answer']> } = {
  async start(settings) {
    running = DevnetNode.start(settings, tell)
    return (await running).started
  },
  async pace(pace) {
    const node = await started()
    node.pace(pace)
    return null
  },
  stopAt: async (index) => (await started()).stopAt(index),
  report: async () => (await started()).report(),
  digests: async (index) => (await started()).digests(index),
  async stop() {
    await stop()
    return null
  }
}

function started(): Promise<Node> {
  if (running === undefined) throw new RangeError('not started')
  return running
}

/** A node that is starting is stopped when it has started; one that could not start has cleaned up after itself. */
async function stop(): Promise<void> {
  const node = await running?.catch(() => undefined)
  running = undefined
  await node?.stop()
}

async function answerTo({ id, call, argument }: CallMessage): Promise<AnswerMessage> {
  try {
    return { id, answer: await calls[call](argument as never) }
  } catch (thrown) {
    return { id, error: describeThrown(thrown) }
  }
}

process.on('message', async (message: CallMessage) => {
  await tell(await answerTo(message))
  if (message.call === 'stop') process.disconnect()
})
process.on('disconnect', async () => {
  setTimeout(() => process.exit(1), ORPHAN_STOP_MS).unref()
  await stop()
})
endWhenIdle()
await tell({ event: 'ready' })
