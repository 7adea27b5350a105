import { SomaError } from '../../src/runtime/soma-error.ts'

/** What the person at the terminal has to put right. The command ends with exit code 2. */
export type UsageErrorCode =
  | 'USAGE' // flags that do not go together
  | 'CONFIG_UNREADABLE'
  | 'CONFIG_SYNTAX' // neither YAML nor JSON
  | 'CONFIG_UNKNOWN_KEY'
  | 'CONFIG_WRONG_VALUE' // a value that its key cannot have
  | 'FILE_EXISTS' // files that matter are never overwritten
  | 'FILE_UNREADABLE'
  | 'FILE_UNWRITABLE'
  | 'NOT_IN_STORE' // a commit or block that was asked for
  | 'LISTEN_FAILED' // an address that is taken, or not this machine's
  | 'CHECKPOINT_INVALID' // no checkpoint, or one of another chain
  | 'DESCRIPTOR_INVALID' // not a validator's public file, or of keys that it does not hold

/** A mistake in flags, files or configuration. */
export class UsageError extends SomaError<UsageErrorCode> {}

/** Why a running node was not asked, or a node could not be made askable. */
export type ControlErrorCode =
  | 'CONTROL_NO_NODE' // nothing listens on the socket
  | 'CONTROL_NODE_RUNNING' // another node has the data directory
  | 'CONTROL_PATH_TOO_LONG' // longer than the system allows for sockets
  | 'CONTROL_UNAVAILABLE' // the socket cannot be made or used
  | 'CONTROL_TIMEOUT' // the node did not answer in time
  | 'CONTROL_REFUSED' // the node answered with an error

/** A failure around the control socket. */
export class ControlError extends SomaError<ControlErrorCode> {}

/** A node that stopped though nobody asked it to. */
export class NodeEndedError extends SomaError<'NODE_ENDED'> {}

/** Ctrl-C, or a signal like it: the way of an abort signal to the exit code. */
export class Interrupted extends Error {
  readonly signal: NodeJS.Signals

  constructor(signal: NodeJS.Signals) {
    super(`interrupted by ${signal}`)
    this.name = 'Interrupted'
    this.signal = signal
  }
}
