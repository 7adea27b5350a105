import { SomaError } from '../runtime/soma-error.ts'

/** Why a node cannot be made or used. */
export type NodeErrorCode =
  | 'NODE_UNSUPPORTED' // the process runs on a Node older than 22
  | 'CONFIG_INVALID' // a configuration value out of its range; the message names the key and what it should be
  | 'COMMIT_NOT_STORED' // asked about a commit that is pruned, or not yet synced
  | 'BAN_INVALID' // no peer id, one that no ban can hold for, or a reason or duration out of its range
  | 'NODE_STOPPED' // used after stop

/** A mistake in the use of a node. */
export class NodeError extends SomaError<NodeErrorCode> {}
