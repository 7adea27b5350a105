import { validatorSetMessage } from '../../../src/consensus/validator-set.ts'
import { toHex } from '../../../src/runtime/hex.ts'
import { blockVector } from './chain.ts'
import { fieldsOf } from './fields.ts'
import { chainId, secretsOf } from './fixture.ts'
import {
  aggregate,
  bitmap,
  blockWith,
  endOfEpoch,
  fullEndOfEpoch,
  message,
  nextCommittee,
  nextEpochStartMs,
  signatures,
  signers,
  stateHash
} from './hand-over.ts'

export function endOfEpochVectors(): unknown {
  const set = { epoch: nextCommittee.epoch, validators: nextCommittee.validators }
  const unsigned = { nextValidatorSet: nextCommittee.bytes, stateHash }
  return {
    about:
      'The end of epoch 0 of the chain in genesis.json: the next set, of which three validators keep their proofs of possession from the genesis and one has a new one for this chain; the signed hand-over; its signatures by every validator of epoch 0, and the aggregate of those in signers; blocks in each valid combination.',
    chain_id: toHex(chainId),
    epoch: 0,
    next_validator_set: {
      fields: fieldsOf(validatorSetMessage, set),
      bytes: toHex(nextCommittee.bytes),
      digest: toHex(nextCommittee.digest)
    },
    new_authority_seed: toHex(secretsOf(4).authoritySeed),
    next_epoch_start_ms: nextEpochStartMs,
    state_hash: toHex(stateHash),
    message: toHex(message),
    signatures: signatures.map(toHex),
    signers,
    bitmap: toHex(bitmap),
    aggregate: toHex(aggregate),
    blocks: [
      blockVector(blockWith(endOfEpoch(), 0)),
      blockVector(blockWith(endOfEpoch({ stateHash }), 1)),
      blockVector(blockWith(endOfEpoch(unsigned), 2)),
      blockVector(blockWith(endOfEpoch({ ...unsigned, authorSignature: signatures[3] }), 3)),
      blockVector(blockWith(fullEndOfEpoch(0), 0))
    ]
  }
}
