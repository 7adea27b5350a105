import type { ComponentLogger, Logger } from '@libp2p/interface'
import type { NodeEvent, NodeEventKind } from './node-events.ts'

/** A logger that has levels, and takes what machines may want beside the text: those of `pinoLogger`. */
export interface LevelLogger extends Logger {
  event(level: NodeEvent['level'], fields: Readonly<Record<string, unknown>>, text: string): void
}

/** Which part of the node speaks of what. @default 'soma-p2p:node' */
const COMPONENTS: Readonly<Partial<Record<NodeEventKind, string>>> = {
  'fell-behind': 'soma-p2p:state-sync',
  progress: 'soma-p2p:state-sync',
  'caught-up': 'soma-p2p:state-sync',
  stuck: 'soma-p2p:state-sync',
  'going-on': 'soma-p2p:state-sync',
  halted: 'soma-p2p:state-sync',
  epoch: 'soma-p2p:state-sync',
  banned: 'soma-p2p:peers',
  'ban-lifted': 'soma-p2p:peers',
  spared: 'soma-p2p:peers',
  refused: 'soma-p2p:discovery',
  isolated: 'soma-p2p:discovery',
  company: 'soma-p2p:discovery'
}

/** Writes each event as a line: with its level and its fields where the logger has them, and else as libp2p's do, which know errors and everything else. */
export function eventLog(logger: ComponentLogger): (event: NodeEvent) => void {
  const logs = new Map<string, Logger>()
  return ({ level, kind, text, peerId, data }) => {
    const name = COMPONENTS[kind] ?? 'soma-p2p:node'
    const log = logs.get(name) ?? logger.forComponent(name)
    logs.set(name, log)
    if (isLevelLogger(log))
      log.event(level, { event: kind, ...(peerId !== undefined && { peer: peerId }), ...data }, text)
    else if (level === 'error') log.error('%s', text)
    else log('%s', text)
  }
}

function isLevelLogger(log: Logger): log is LevelLogger {
  return 'event' in log && typeof log.event === 'function'
}
