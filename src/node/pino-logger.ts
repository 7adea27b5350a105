import type { ComponentLogger } from '@libp2p/interface'
import type { Level, LevelWithSilent, Logger as Pino } from 'pino'
import type { LevelLogger } from './event-log.ts'
import { formatLine } from './log-format.ts'

/** How much to log, by component name. The longest name that a component equals or lies under decides. */
export type ComponentLevels = Readonly<Record<string, LevelWithSilent>>

/**
 * libp2p reports at `error` what is everyday life among peers, a failed dial or a reset stream, so it is silent until asked.
 */
export const DEFAULT_COMPONENT_LEVELS: ComponentLevels = { libp2p: 'silent' }

/**
 * Leads the logs of a node and of the libp2p beneath it to pino.
 *
 * A component becomes a child logger with its name as `component`. `log(...)` is written at `debug`, `log.trace(...)` at `trace`
 * and `log.error(...)` at `error`. Lines of a level that is off are never formatted.
 *
 * @example
 *
 * ```typescript
 * import pino from 'pino'
 *
 * const logger = pinoLogger(pino(), { 'soma-p2p:state-sync': 'debug' })
 * const node = await createNode({ genesis, logger })
 * ```
 *
 * @param pino where the lines go; its level holds for components that `levels` does not name
 * @param levels levels by component, over {@link DEFAULT_COMPONENT_LEVELS}
 */
export function pinoLogger(pino: Pino, levels: ComponentLevels = {}): ComponentLogger {
  const rules = { ...DEFAULT_COMPONENT_LEVELS, ...levels }
  return { forComponent: (name) => componentLogger(pino, name, rules) }
}

function componentLogger(pino: Pino, name: string, levels: ComponentLevels): LevelLogger {
  const level = levelOf(name, levels)
  const child = pino.child({ component: name }, level === undefined ? {} : { level })
  const write = (level: Level, args: unknown[]): void => {
    if (!child.isLevelEnabled(level)) return
    const line = formatLine(args)
    if (line.error === undefined) child[level](line.text)
    else child[level]({ err: line.error }, line.text)
  }
  const log = (...args: unknown[]): void => write('debug', args)
  log.error = (...args: unknown[]): void => write('error', args)
  log.trace = (...args: unknown[]): void => write('trace', args)
  log.event = (level: Level, fields: object, text: string): void => child[level](fields, text)
  log.enabled = child.isLevelEnabled('debug')
  log.newScope = (scope: string): LevelLogger => componentLogger(pino, `${name}:${scope}`, levels)
  return log
}

function levelOf(name: string, levels: ComponentLevels): LevelWithSilent | undefined {
  const rules = Object.keys(levels).filter((rule) => name === rule || name.startsWith(`${rule}:`))
  const longest = rules.toSorted((a, b) => b.length - a.length)[0]
  return longest === undefined ? undefined : levels[longest]
}
