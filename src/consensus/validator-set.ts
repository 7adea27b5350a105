import {
  bytes,
  message,
  repeated,
  string,
  submessage,
  uint32,
  uint64,
  type WireMessage
} from '../runtime/wire-message.ts'
import {
  BLS_KEY_LENGTH,
  BLS_SIGNATURE_LENGTH,
  ED25519_KEY_LENGTH,
  MAX_ADDRESS_BYTES,
  MAX_ADDRESSES,
  MAX_COMMITTEE_SIZE
} from './limits.ts'

/** One validator of an epoch. */
export interface Validator {
  /** BLS12-381 public key, 48 bytes: signs epoch changes and certificates, and orders the committee. */
  readonly authorityKey: Uint8Array
  /** BLS signature by the authority key over the authority key itself, so that no key can be chosen to cancel another. */
  readonly proofOfPossession: Uint8Array
  /** Ed25519 public key, 32 bytes: signs blocks. */
  readonly protocolKey: Uint8Array
  /** Ed25519 public key, 32 bytes: the libp2p identity, which gives the peer id. */
  readonly networkKey: Uint8Array
  /** Share of the committee's 10,000, above zero. */
  readonly votingPower: number
  /** Multiaddrs, at most 8. */
  readonly addresses: readonly string[]
}

/** The validators of one epoch, as they travel. Its digest is taken over its bytes as received. */
export interface ValidatorSet {
  readonly epoch: number
  readonly validators: readonly Validator[]
}

export const validatorMessage: WireMessage<Validator> = message('Validator', {
  authorityKey: bytes(1, { length: BLS_KEY_LENGTH }),
  proofOfPossession: bytes(2, { length: BLS_SIGNATURE_LENGTH }),
  protocolKey: bytes(3, { length: ED25519_KEY_LENGTH }),
  networkKey: bytes(4, { length: ED25519_KEY_LENGTH }),
  votingPower: uint32(5),
  addresses: repeated(string(6, MAX_ADDRESS_BYTES), MAX_ADDRESSES)
})

export const validatorSetMessage: WireMessage<ValidatorSet> = message('ValidatorSet', {
  epoch: uint64(1),
  validators: repeated(submessage(2, validatorMessage), MAX_COMMITTEE_SIZE)
})
