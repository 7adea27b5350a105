import type { ComponentLogger, Logger } from '@libp2p/interface'

/** A logger that says nothing: the default of a library. */
export function quietLogger(): ComponentLogger {
  const silent = (): void => {}
  const logger: Logger = Object.assign(silent, { enabled: false, trace: silent, error: silent, newScope: () => logger })
  return { forComponent: () => logger }
}
