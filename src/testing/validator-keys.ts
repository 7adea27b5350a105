import { randomBytes } from 'node:crypto'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import type { Ed25519PrivateKey } from '@libp2p/interface'
import { blake2b256 } from '../consensus/digest.ts'

/** The secrets of one validator, 32 bytes each. */
export interface ValidatorKeys {
  /** Seed of the Ed25519 network key, which gives the peer id. */
  readonly networkSeed: Uint8Array
  /** Seed of the Ed25519 protocol key, which signs blocks. */
  readonly protocolSeed: Uint8Array
  /** Seed of the BLS12-381 authority key. */
  readonly authoritySeed: Uint8Array
}

/** New secrets from the machine's randomness. */
export function generateValidatorKeys(): ValidatorKeys {
  return {
    networkSeed: new Uint8Array(randomBytes(32)),
    protocolSeed: new Uint8Array(randomBytes(32)),
    authoritySeed: new Uint8Array(randomBytes(32))
  }
}

/**
 * Secrets that follow from two numbers, the same on every machine: for tests and devnets, known to anyone who reads this.
 *
 * @param seed of the whole set, an integer from 0
 * @param index of the validator in the set, an integer from 0; not its index in the committee, which the authority keys decide
 */
export function deriveValidatorKeys(seed: number, index: number): ValidatorKeys {
  const derive = (purpose: string) =>
    blake2b256(new TextEncoder().encode(`soma-p2p/testing/validator-keys/${purpose}/${seed}/${index}`))
  return { networkSeed: derive('network'), protocolSeed: derive('protocol'), authoritySeed: derive('authority') }
}

/** The libp2p key of a validator, to make its node with. */
export function networkPrivateKey(keys: ValidatorKeys): Promise<Ed25519PrivateKey> {
  return generateKeyPairFromSeed('Ed25519', keys.networkSeed)
}
