import type { Committee } from '../consensus/committee.ts'
import type { Digest } from '../consensus/digest.ts'
import type { Validator } from '../consensus/validator-set.ts'
import { bytesEqual, toHex } from '../runtime/hex.ts'
import type { BlsVerifier } from './bls-verifier.ts'
import { proofOfPossessionMessage } from './proof-of-possession.ts'

/** Proofs checked together: the first bad one ends the work, so that a set full of them costs no more than one batch. */
const BATCH = 32

/** What the proofs of a committee are checked with. */
export interface CommitteeProofsOptions {
  readonly bls: BlsVerifier
  /** The chain; `NO_CHAIN` for the committee of a genesis. */
  readonly chainId: Digest
  /** The committee before: a validator that was in it with the same key and proof has proved its possession already. */
  readonly before?: Committee | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Checks the proof of possession of every validator of a committee.
 *
 * @returns the index of the first validator whose proof is false, or `undefined` when all hold
 * @throws the signal's reason on abort
 */
export async function findFalseProof(
  committee: Committee,
  options: CommitteeProofsOptions
): Promise<number | undefined> {
  const { bls, chainId, before, signal } = options
  const proved = new Map(before?.validators.map((validator) => [toHex(validator.authorityKey), validator]))
  const unproved = [...committee.validators.entries()].filter(([, validator]) => !isSame(validator, proved))
  for (let start = 0; start < unproved.length; start += BATCH) {
    const batch = unproved.slice(start, start + BATCH)
    const checks = batch.map(([, { authorityKey, proofOfPossession }]) => ({
      publicKeys: [authorityKey],
      message: proofOfPossessionMessage(chainId, authorityKey),
      signature: proofOfPossession
    }))
    const results = await bls.verifyBls(checks, { signal })
    const failed = batch[results.indexOf(false)]
    if (failed !== undefined) return failed[0]
  }
  return undefined
}

function isSame(validator: Validator, proved: ReadonlyMap<string, Validator>): boolean {
  const before = proved.get(toHex(validator.authorityKey))
  return before !== undefined && bytesEqual(before.proofOfPossession, validator.proofOfPossession)
}
