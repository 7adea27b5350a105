import { blake2b256, type Digest } from '../../src/consensus/digest.ts'
import { encodeIndex } from './ledger-keys.ts'

const commitDomain = new TextEncoder().encode('soma-p2p-ledger/1/state:')
const epochDomain = new TextEncoder().encode('soma-p2p-ledger/1/epoch:')

/**
 * The state after a commit: BLAKE2b-256 over a domain, the state before, the commit's digest and a digest for each transaction that it executed, in order: the
 * transaction's own where transactions are opaque, else that of its effects. Nodes that executed the same hold the same state, and no others.
 */
export function nextState(state: Digest, commit: Digest, executed: readonly Digest[]): Digest {
  return blake2b256(commitDomain, state, commit, ...executed)
}

/** The state after a change of epoch: BLAKE2b-256 over a domain, the state before, the epoch that begins (8 bytes, big-endian) and its committee's digest. */
export function nextEpochState(state: Digest, epoch: number, committee: Digest): Digest {
  return blake2b256(epochDomain, state, encodeIndex(epoch), committee)
}
