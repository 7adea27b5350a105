import { SomaError } from '../runtime/soma-error.ts'

/** Why a node cannot be shown to its operator. */
export type OperatorErrorCode =
  | 'HTTP_LISTEN_INVALID' // not an address and a port, such as 127.0.0.1:9100
  | 'HTTP_LISTEN_FAILED' // an address that is taken, or not this machine's

/** A mistake, or a failure, around what shows a node to its operator. */
export class OperatorError extends SomaError<OperatorErrorCode> {}
