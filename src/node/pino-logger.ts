import type { ComponentLogger } from '@libp2p/interface'
import type { Level, LevelWithSilent, Logger as Pino } from 'pino'
import { errorCode } from '../runtime/soma-error.ts'
import type { LevelLogger } from './event-log.ts'
import { LineLimiter } from './line-limiter.ts'
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
 * and `log.error(...)` at `error`; what happens to the node (`NodeStatus.events`) at the level of the event, with its data as fields. Lines of a level that is off are
 * never formatted, and of the same error no more than three are written a minute: the next one says, as `repeated`, how many were not.
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
  const limiter = new LineLimiter(() => performance.now())
  return { forComponent: (name) => componentLogger(pino, name, rules, limiter) }
}

function componentLogger(pino: Pino, name: string, levels: ComponentLevels, limiter: LineLimiter): LevelLogger {
  const level = levelOf(name, levels)
  const child = pino.child({ component: name }, level === undefined ? {} : { level })
  const write = (level: Level, args: unknown[], more: { repeated?: number } = {}): void => {
    if (!child.isLevelEnabled(level)) return
    const { text, error, peer } = formatLine(args)
    child[level](
      { ...(peer !== undefined && { peer }), ...(error && { err: error, code: errorCode(error) }), ...more },
      text
    )
  }
  const writeError = (args: unknown[]): void => {
    if (!child.isLevelEnabled('error')) return // what is not written takes no room from what is
    const [first] = args
    const repeated = limiter.admit(`${name} ${typeof first === 'string' ? first : errorCode(first)}`)
    if (repeated !== undefined) write('error', args, repeated > 0 ? { repeated } : {})
  }
  const log = (...args: unknown[]): void => write('debug', args)
  log.error = (...args: unknown[]): void => writeError(args)
  log.trace = (...args: unknown[]): void => write('trace', args)
  log.event = (level: Level, fields: object, text: string): void => child[level](fields, text)
  log.enabled = child.isLevelEnabled('debug')
  log.newScope = (scope: string): LevelLogger => componentLogger(pino, `${name}:${scope}`, levels, limiter)
  return log
}

function levelOf(name: string, levels: ComponentLevels): LevelWithSilent | undefined {
  const rules = Object.keys(levels).filter((rule) => name === rule || name.startsWith(`${rule}:`))
  const longest = rules.toSorted((a, b) => b.length - a.length)[0]
  return longest === undefined ? undefined : levels[longest]
}
