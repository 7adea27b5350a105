import { SomaError } from '../runtime/soma-error.ts'

/** What the operator configured wrong about peers. */
export type PeersErrorCode = 'ALLOWLIST_INVALID' // what is in the allowlist is neither a peer id nor an address with one

export class PeersError extends SomaError<PeersErrorCode> {}
