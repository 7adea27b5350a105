import { styleText } from 'node:util'
import { systemClock } from '../../../src/runtime/clock.ts'
import { onInterrupt } from '../interrupt.ts'
import { type Watched, watchNode } from './watch-node.ts'

/**
 * Watches a node on this process's terminal, or into its pipe, until somebody ends it.
 *
 * @throws {Interrupted} for Ctrl-C and SIGTERM, with the terminal as it was
 */
export async function runWatch<Report>(watched: Omit<Watched<Report>, 'warn'>): Promise<void> {
  const stream = process.stdout
  const interrupt = onInterrupt()
  const alive = setInterval(() => {}, 60_000) // between two looks nothing else keeps the process
  try {
    const warn = (text: string) => styleText('yellow', text, { stream })
    await watchNode({ ...watched, warn }, { stream, clock: systemClock, signal: interrupt.signal })
  } finally {
    clearInterval(alive)
    interrupt.release()
  }
  interrupt.signal.throwIfAborted()
}
