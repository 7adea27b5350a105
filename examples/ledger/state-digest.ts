import { blake2b256, type Digest } from '../../src/consensus/digest.ts'

/** The state before the first commit. The first commit binds the chain, for it names the chain id as the commit before. */
export const EMPTY_STATE: Digest = new Uint8Array(32)

const domain = new TextEncoder().encode('soma-p2p-ledger/1/state:')

/**
 * The state after a commit: BLAKE2b-256 over a domain, the state before, the commit's digest and the digests of the transactions that it
 * executed, in order. Nodes that executed the same transactions in the same order hold the same state, and no others.
 */
export function nextState(state: Digest, commit: Digest, executed: readonly Digest[]): Digest {
  return blake2b256(domain, state, commit, ...executed)
}
