import { SomaError } from '../../src/runtime/soma-error.ts'

/** Why a devnet failed. */
export type DevnetErrorCode =
  | 'DEVNET_NODE_ENDED' // a node's process ended by itself
  | 'DEVNET_NODE_FAILED' // a node said what is wrong with it
  | 'DEVNET_NODE_SILENT' // a node did not answer in time
  | 'DEVNET_NODE_STUCK' // a node's process did not end after the node had stopped
  | 'DEVNET_STALLED' // a full node stopped getting on
  | 'DEVNET_DIFFERENCES' // nodes differ in what they stored or executed

/** A failure of the devnet. The message says which node, and where. */
export class DevnetError extends SomaError<DevnetErrorCode> {}
