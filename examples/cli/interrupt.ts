import { constants } from 'node:os'
import { Interrupted } from './cli-error.ts'

/** Turns Ctrl-C and SIGTERM into an abort signal. */
export interface Interrupt {
  /** Aborts with {@link Interrupted}. */
  readonly signal: AbortSignal
  /** Gives the signals back their usual effect. */
  release(): void
}

/** Listens for Ctrl-C and SIGTERM. A second one ends the process at once, for whoever does not want to wait for a clean stop. */
export function onInterrupt(): Interrupt {
  const controller = new AbortController()
  const listener = (signal: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(exitCodeOf(signal))
    controller.abort(new Interrupted(signal))
  }
  process.on('SIGINT', listener)
  process.on('SIGTERM', listener)
  return {
    signal: controller.signal,
    release() {
      process.off('SIGINT', listener)
      process.off('SIGTERM', listener)
    }
  }
}

/** The exit code of a process that a signal ended, as shells have it: 130 after Ctrl-C. */
export function exitCodeOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal]
}
