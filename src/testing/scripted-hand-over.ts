import type { Committee } from '../consensus/committee.ts'
import type { Digest } from '../consensus/digest.ts'
import type { EndOfEpochData } from '../consensus/end-of-epoch.ts'
import { blsAggregate, blsKeyPair, blsSign } from '../verify/bls.ts'
import { handOverMessage } from '../verify/hand-over.ts'
import { encodeSigners } from '../verify/signer-bitmap.ts'
import type { BuiltCommittee } from './committee-builder.ts'
import type { ValidatorKeys } from './validator-keys.ts'

/** Who comes next, from when, and on what state. */
export interface NextEpoch {
  readonly committee: Committee
  /** Milliseconds since the Unix epoch. */
  readonly startTimeMs: number
  /** 32 bytes. */
  readonly stateHash: Uint8Array
}

/** What a block says that knows when the epoch ends, and no more. */
export function announcedEnd(startTimeMs: number): EndOfEpochData {
  return {
    nextEpochStartMs: startTimeMs,
    nextValidatorSet: undefined,
    stateHash: undefined,
    authorSignature: undefined,
    aggregateSignature: undefined,
    signers: undefined
  }
}

/** The end-of-epoch data of a committee's blocks, each validator's signature made once. */
export class ScriptedHandOver {
  readonly #from: BuiltCommittee
  readonly #next: NextEpoch
  readonly #message: Uint8Array
  readonly #signatures = new Map<ValidatorKeys, Uint8Array>()

  /** @param from who hands over */
  constructor(chainId: Digest, from: BuiltCommittee, next: NextEpoch) {
    this.#from = from
    this.#next = next
    this.#message = handOverMessage(chainId, {
      epoch: from.committee.epoch,
      nextSetDigest: next.committee.digest,
      nextEpochStartMs: next.startTimeMs,
      stateHash: next.stateHash
    })
  }

  /** What a validator's block says with its own signature. */
  signedBy(author: number): EndOfEpochData {
    const { committee, startTimeMs, stateHash } = this.#next
    return {
      ...announcedEnd(startTimeMs),
      nextValidatorSet: committee.bytes,
      stateHash,
      authorSignature: this.sign(this.#from.keys[author] as ValidatorKeys)
    }
  }

  /** What a leader's block says that has the signatures of others. */
  aggregatedBy(author: number, signers: readonly number[]): EndOfEpochData {
    const signatures = signers.map((signer) => this.sign(this.#from.keys[signer] as ValidatorKeys))
    return {
      ...this.signedBy(author),
      aggregateSignature: blsAggregate(signatures),
      signers: encodeSigners(signers, this.#from.committee)
    }
  }

  /** The signature of whomever one likes over the hand-over. */
  sign(keys: ValidatorKeys): Uint8Array {
    let signature = this.#signatures.get(keys)
    if (signature === undefined) {
      signature = blsSign(blsKeyPair(keys.authoritySeed).secretKey, this.#message)
      this.#signatures.set(keys, signature)
    }
    return signature
  }
}
