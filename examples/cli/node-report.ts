import type { NodeStatus } from '../../src/node/soma-node.ts'

/** What a running node answers to `GET /status`. */
export interface NodeReport extends NodeStatus {
  readonly pid: number
  readonly version: string
  /** Where its status page is; of a node without one it is not there. */
  readonly page?: string
  /** The executor, where the node has one. */
  readonly executor?: {
    readonly highestExecuted: number
    readonly transactions: number
    /** In hexadecimal. */
    readonly stateDigest: string
    /** Why it does not go on at present. */
    readonly failure?: string
  }
}
