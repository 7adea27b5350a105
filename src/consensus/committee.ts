import { toHex } from '../runtime/hex.ts'
import { WireError } from '../runtime/wire-error.ts'
import { ConsensusError } from './consensus-error.ts'
import { type Digest, digestOf } from './digest.ts'
import { MAX_COMMITTEE_SIZE, MAX_VALIDATOR_SET_BYTES, TOTAL_VOTING_POWER } from './limits.ts'
import { type Validator, type ValidatorSet, validatorSetMessage } from './validator-set.ts'

/** The validators of one epoch, by index, with every rule of committees checked. */
export interface Committee {
  readonly epoch: number
  /** By index, in ascending order of their authority keys. */
  readonly validators: readonly Validator[]
  /** The encoded `ValidatorSet`, as received. */
  readonly bytes: Uint8Array
  readonly digest: Digest
}

/**
 * Reads a validator set and checks it: 1 to 1,000 validators in ascending order of authority key, every key distinct, powers above
 * zero and 10,000 in all. Proofs of possession are the verifier's business, for they cost a pairing each.
 *
 * @throws {ConsensusError} `COMMITTEE_INVALID`
 */
export function decodeCommittee(bytes: Uint8Array): Committee {
  if (bytes.byteLength > MAX_VALIDATOR_SET_BYTES)
    throw invalid(`${bytes.byteLength} bytes, over ${MAX_VALIDATOR_SET_BYTES}`)
  let set: ValidatorSet
  try {
    set = validatorSetMessage.decode(bytes)
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause
    throw invalid(cause.message, { cause })
  }
  checkValidators(set.validators)
  return { epoch: set.epoch, validators: set.validators, bytes, digest: digestOf('validator-set', bytes) }
}

/**
 * Encodes a validator set of one's own making, putting its validators into order.
 *
 * @throws {ConsensusError} `COMMITTEE_INVALID`
 */
export function encodeCommittee(set: ValidatorSet): Committee {
  const validators = set.validators.toSorted((a, b) => Buffer.compare(a.authorityKey, b.authorityKey))
  return decodeCommittee(validatorSetMessage.encode({ epoch: set.epoch, validators }))
}

function checkValidators(validators: readonly Validator[]): void {
  if (validators.length === 0) throw invalid('no validators')
  if (validators.length > MAX_COMMITTEE_SIZE)
    throw invalid(`${validators.length} validators, over ${MAX_COMMITTEE_SIZE}`)
  const keys = new Set<string>()
  let power = 0
  for (const [index, validator] of validators.entries()) {
    const before = validators[index - 1]
    if (before !== undefined && Buffer.compare(before.authorityKey, validator.authorityKey) >= 0) {
      throw invalid(`validator ${index} is not in order of authority key`)
    }
    for (const key of [validator.authorityKey, validator.protocolKey, validator.networkKey]) {
      const text = toHex(key)
      if (keys.has(text)) throw invalid(`validator ${index} has a key that is there already`)
      keys.add(text)
    }
    if (validator.votingPower === 0) throw invalid(`validator ${index} has no voting power`)
    power += validator.votingPower
  }
  if (power !== TOTAL_VOTING_POWER) throw invalid(`voting powers sum to ${power}, not ${TOTAL_VOTING_POWER}`)
}

function invalid(why: string, options?: ErrorOptions): ConsensusError {
  return new ConsensusError('COMMITTEE_INVALID', `validator set: ${why}`, options)
}
