import { SomaError } from '../runtime/soma-error.ts'

/** What the operator configured wrong about peers, or did to one. */
export type PeersErrorCode =
  | 'ALLOWLIST_INVALID' // what is in the allowlist is neither a peer id nor an address with one
  | 'PEER_BANNED' // with what a connection is closed whose peer the operator has banned

/** What the operator got wrong about peers, or a ban of theirs. */
export class PeersError extends SomaError<PeersErrorCode> {}
