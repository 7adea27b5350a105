import { styleText } from 'node:util'
import { CommanderError } from 'commander'
import { ConsensusError } from '../../src/consensus/consensus-error.ts'
import { KeyFileError } from '../../src/node/key-file.ts'
import { NodeError } from '../../src/node/node-error.ts'
import { singleLine } from '../../src/runtime/single-line.ts'
import { errorCode, SomaError, toError } from '../../src/runtime/soma-error.ts'
import { Interrupted, UsageError } from './cli-error.ts'
import { exitCodeOf } from './interrupt.ts'
import { nextStep } from './next-step.ts'

/** Errors of which the person at the terminal is the cause. */
const mistakes = [UsageError, KeyFileError, ConsensusError, NodeError]

/** Those among other errors: a data directory that cannot be the one that was meant. */
const mistakeCodes = new Set([
  'CHAIN_FILE_EMPTY_RANGE',
  'CHAIN_FILE_GAP',
  'CHAIN_FILE_INVALID',
  'CHAIN_FILE_WRONG_CHAIN',
  'CHAIN_FILE_WRONG_VERSION',
  'CONTROL_NODE_RUNNING',
  'CONTROL_PATH_TOO_LONG',
  'HTTP_LISTEN_FAILED',
  'LEDGER_LOCKED',
  'LEDGER_OTHER_CHAIN',
  'LEDGER_OTHER_TRANSACTIONS',
  'LEDGER_WRONG_VERSION',
  'STORAGE_LOCKED',
  'STORAGE_WRONG_CHAIN',
  'STORAGE_WRONG_VERSION',
  'SYNC_CHECKPOINT_CONFLICT'
])

/** What no further start mends: somebody has to look at the data first. */
const damageCodes = new Set([
  'STORAGE_CORRUPTED',
  'LEDGER_CORRUPTED',
  'STORE_DAMAGED',
  'CHAIN_FILE_DAMAGED',
  'CHAIN_FILE_REFUSED',
  'SYNC_FORK'
])

/**
 * Tells the person at the terminal why a command failed: one line with the error's code and what to do about it.
 *
 * @returns the exit code: 2 for a mistake in flags, files or configuration, 3 for damaged data, 1 for another failure, 128 and its number for a signal
 */
export function reportError(thrown: unknown): number {
  // commander has printed its message already.
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2
  if (thrown instanceof Interrupted) return exitCodeOf(thrown.signal)
  const error = toError(thrown)
  if (error instanceof SomaError || isSystemError(error)) {
    const step = nextStep(error.code)
    console.error(`${label()} ${oneLine(error.message)} [${error.code}]${step === undefined ? '' : `. ${step}`}`)
  } else {
    // Nobody foresaw this one, so whoever mends it needs to see where it came from.
    console.error(`${label()} unexpected: ${lines(error.stack ?? error.message)}`)
  }
  if (mistakes.some((kind) => error instanceof kind) || mistakeCodes.has(errorCode(error))) return 2
  return isDamage(error) ? 3 : 1
}

/** Whether damaged data is the error, or what led to it. */
function isDamage(error: Error): boolean {
  return damageCodes.has(errorCode(error)) || (error.cause !== undefined && isDamage(toError(error.cause)))
}

function label(): string {
  return styleText('red', 'error:', { stream: process.stderr })
}

function oneLine(text: string): string {
  return singleLine(text.replaceAll(/\s*\n\s*/g, ' '))
}

/** A stack keeps its lines, and nothing else that a terminal would obey. */
function lines(text: string): string {
  return text
    .split('\n')
    .map((line) => singleLine(line))
    .join('\n')
}

function isSystemError(error: Error): error is NodeJS.ErrnoException & { code: string } {
  return 'syscall' in error && 'code' in error && typeof error.code === 'string'
}
