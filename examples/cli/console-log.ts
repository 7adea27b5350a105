import { type Logger, pino } from 'pino'
import pretty from 'pino-pretty'
import type { LogLevel } from './config-schema.ts'
import { plainLine } from './plain-line.ts'

/** Logs to stderr: for people where it is a terminal, one JSON object a line elsewhere. */
export function consoleLog(level: LogLevel): Logger {
  const isTerminal = process.stderr.isTTY === true
  if (!isTerminal) return pino({ level }, pino.destination({ dest: 2, sync: true }))
  const shown = pretty({
    destination: 2,
    sync: true,
    colorize: process.stderr.hasColors(),
    ignore: 'pid,hostname',
    singleLine: true
  })
  return pino({ level }, { write: (line) => void shown.write(plainLine(line)) })
}
