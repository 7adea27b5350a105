import { endWhenIdle } from '../../examples/end-when-idle.ts'
import { toError } from '../../src/runtime/soma-error.ts'
import type { CallMessage, Calls, ChildEvent, ChildMessage } from './protocol.ts'

type Handlers<C extends Calls> = {
  readonly [Name in keyof C]: (argument: C[Name]['argument']) => Promise<C[Name]['answer']>
}

/** Tells the parent something. */
export function tell(event: ChildEvent): void {
  send({ event })
}

/** Answers the parent's calls until it asks to stop. Without its parent the process ends. */
export function serveCalls<C extends Calls>(handlers: Handlers<C>): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined) // the parent decides what follows
  process.on('message', async ({ id, call, argument }: CallMessage) => {
    try {
      const answer = await handlers[call as keyof C]?.(argument as never)
      send({ id, answer })
    } catch (thrown) {
      send({ id, error: toError(thrown).stack ?? String(thrown) })
    }
    if (call === 'stop') process.disconnect()
  })
  let stopped = false
  process.on('message', ({ call }: CallMessage) => {
    stopped ||= call === 'stop'
  })
  process.on('disconnect', () => {
    if (!stopped) process.exit(1)
  })
  endWhenIdle()
  tell({ kind: 'ready' })
}

function send(message: ChildMessage): void {
  if (process.connected) process.send?.(message)
}
