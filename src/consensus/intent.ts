import { blake2b256, type Digest } from './digest.ts'
import { DIGEST_LENGTH } from './limits.ts'

/** What a signature is made for. */
export type IntentScope = 'block' | 'end-of-epoch' | 'proof-of-possession' | 'transaction' | 'certificate'

/** Stands for the chain id where there is none yet: in the genesis itself, whose digest the chain id is. */
export const NO_CHAIN: Digest = new Uint8Array(DIGEST_LENGTH)

/**
 * The 32 bytes that go before whatever is signed: BLAKE2b-256 over `soma-p2p/1/intent/<scope>:` and the chain id.
 *
 * A signature made for one purpose, version or chain is thereby none for any other.
 */
export function intentPrefix(scope: IntentScope, chainId: Digest): Uint8Array {
  return blake2b256(new TextEncoder().encode(`soma-p2p/1/intent/${scope}:`), chainId)
}

/** The message that is signed: the intent's prefix and the payload. */
export function intentMessage(scope: IntentScope, chainId: Digest, ...payload: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat([intentPrefix(scope, chainId), ...payload]))
}
