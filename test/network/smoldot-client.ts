import type { TestContext } from 'node:test'
import { start } from 'smoldot'

/** Debug: each ping that was answered, each peer that was discovered. */
const LOG_LEVEL = 4

export interface SmoldotClientInit {
  readonly chainSpec: string
  readonly onLog: (message: string) => void
}

/** Starts smoldot, terminated at the end of the test. */
export async function startSmoldot(context: TestContext, { chainSpec, onLog }: SmoldotClientInit): Promise<void> {
  // its timers run on for a minute after it was terminated, and would keep the process
  const { setTimeout } = globalThis
  context.mock.method(globalThis, 'setTimeout', (...args: Parameters<typeof setTimeout>) => setTimeout(...args).unref())
  const client = start({ maxLogLevel: LOG_LEVEL, logCallback: (_level, _target, message) => onLog(message) })
  context.after(() => client.terminate())
  await client.addChain({ chainSpec, disableJsonRpc: true })
}
