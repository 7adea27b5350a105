import type { ConsensusErrorCode } from '../consensus/consensus-error.ts'
import type { RpcErrorCode } from '../rpc/rpc-error.ts'
import type { WireErrorCode } from '../runtime/wire-error.ts'
import type { VerifyErrorCode } from '../verify/verify-error.ts'

/**
 * What an error means for the peer it came from.
 *
 * - `none`: nothing; it may be our own fault, or nobody's
 * - `backoff`: it is not asked for a while, and stays connected
 * - `penalty`: a point against it; a ban when they add up
 * - `ban`: disconnected, and refused until the ban expires
 */
export type Consequence = 'none' | 'backoff' | 'penalty' | 'ban'

/** One consequence for every code of an error: a new code without one does not compile. */
export type ConsequenceTable<Code extends string> = Readonly<Record<Code, Consequence>>

type JudgedCode = RpcErrorCode | WireErrorCode | VerifyErrorCode | ConsensusErrorCode

/**
 * The consequences of every error of the rooms below. Those above judge their own codes by a table of this type, and say so with their report.
 */
const CONSEQUENCES: ConsequenceTable<JudgedCode> = {
  // the network, or a peer that cannot serve now: nobody's fault, and soon over
  RPC_NOT_FOUND: 'backoff',
  RPC_RATE_LIMITED: 'backoff',
  RPC_UNAVAILABLE: 'backoff',
  RPC_INTERNAL: 'backoff',
  RPC_NOT_CONNECTED: 'backoff',
  RPC_UNSUPPORTED: 'backoff',
  RPC_STREAM_TORN: 'backoff',
  RPC_TIMEOUT: 'backoff',

  // violations of the protocol: a bug or worse, but nothing false was claimed
  RPC_INVALID_REQUEST: 'penalty',
  RPC_OVERSIZE_FRAME: 'penalty',
  RPC_BAD_FRAME: 'penalty',
  RPC_UNEXPECTED_FRAME: 'penalty',
  RPC_TOO_MANY_STREAMS: 'penalty', // and the connection is gone: a few are a ban
  WIRE_MALFORMED: 'penalty',
  WIRE_MISSING_FIELD: 'penalty',
  WIRE_TOO_LONG: 'penalty',
  WIRE_TOO_MANY: 'penalty',
  WIRE_UNSAFE_INTEGER: 'penalty',
  COMMITS_EMPTY: 'penalty', // less than was asked is no lie
  BLOCKS_MISSING: 'penalty', // it may have pruned between the two requests

  // data objectively wrong against the request or a quorum
  BLOCK_TOO_LARGE: 'ban',
  BLOCK_MALFORMED: 'ban',
  COMMIT_TOO_LARGE: 'ban',
  COMMIT_MALFORMED: 'ban',
  COMMITTEE_INVALID: 'ban',
  BLOCK_WRONG_REF: 'ban',
  BLOCK_GENESIS_ROUND: 'ban',
  BLOCK_AUTHOR_OUT_OF_RANGE: 'ban',
  BLOCK_NO_ANCESTORS: 'ban',
  BLOCK_TOO_MANY_ANCESTORS: 'ban',
  BLOCK_OWN_ANCESTOR_NOT_FIRST: 'ban',
  BLOCK_DUPLICATE_ANCESTOR_AUTHOR: 'ban',
  BLOCK_ANCESTOR_OUT_OF_RANGE: 'ban',
  BLOCK_ANCESTOR_WRONG_EPOCH: 'ban',
  BLOCK_ANCESTOR_NOT_EARLIER: 'ban',
  BLOCK_FALSE_GENESIS_ANCESTOR: 'ban',
  BLOCK_PARENTS_WITHOUT_QUORUM: 'ban',
  BLOCK_BAD_SIGNATURE: 'ban',
  BLOCK_BAD_TRANSACTION: 'ban',
  BLOCK_BAD_END_OF_EPOCH: 'ban',
  COMMITS_TOO_MANY: 'ban',
  COMMITS_WRONG_INDEX: 'ban',
  COMMITS_BROKEN_CHAIN: 'ban',
  COMMITS_WRONG_EPOCH: 'ban',
  COMMIT_INVALID: 'ban',
  COMMIT_TIMESTAMP_REGRESSED: 'ban',
  CERTIFIERS_WITHOUT_QUORUM: 'ban',
  CERTIFIER_DUPLICATE_AUTHOR: 'ban',
  CERTIFIER_NO_VOTE: 'ban',
  CERTIFIER_WRONG_EPOCH: 'ban',
  CERTIFIERS_TOO_MANY: 'ban',
  BLOCKS_TOO_MANY: 'ban',

  // what a quorum certified and we cannot use: a fork or a fault of our own, which halts the sync and bans nobody
  BLOCK_UNKNOWN_EPOCH: 'none',
  ASSEMBLY_BLOCK_MISSING: 'none',
  ASSEMBLY_TIMESTAMP_REGRESSED: 'none',
  GENESIS_INVALID: 'none' // comes from our own configuration
}

/** The consequence of an error's code; `none` for one that is not a peer's. */
export function consequenceOf(code: string): Consequence {
  return Object.hasOwn(CONSEQUENCES, code) ? CONSEQUENCES[code as JudgedCode] : 'none'
}
