import type { Digest } from '../consensus/digest.ts'
import { intentMessage } from '../consensus/intent.ts'
import type { Validator } from '../consensus/validator-set.ts'
import { type BlsKeyPair, blsSign, blsVerify } from './bls.ts'

/**
 * What an authority key signs to prove that its owner holds it: the intent's prefix and the key itself.
 *
 * @param chainId the chain; `NO_CHAIN` for the validators of a genesis, whose digest the chain id is
 */
export function proofOfPossessionMessage(chainId: Digest, authorityKey: Uint8Array): Uint8Array {
  return intentMessage('proof-of-possession', chainId, authorityKey)
}

/** Proves possession of a key. */
export function makeProofOfPossession(keyPair: BlsKeyPair, chainId: Digest): Uint8Array {
  return blsSign(keyPair.secretKey, proofOfPossessionMessage(chainId, keyPair.publicKey))
}

/** Whether a validator has proved that it holds its authority key. Without that, a key could be chosen to cancel others in an aggregate. */
export function verifyProofOfPossession(
  validator: Pick<Validator, 'authorityKey' | 'proofOfPossession'>,
  chainId: Digest
): boolean {
  const { authorityKey, proofOfPossession } = validator
  return blsVerify(authorityKey, proofOfPossessionMessage(chainId, authorityKey), proofOfPossession)
}
