import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decodeCommittee, encodeCommittee } from '../../src/consensus/committee.ts'
import { digestOf } from '../../src/consensus/digest.ts'
import { MAX_VALIDATOR_SET_BYTES } from '../../src/consensus/limits.ts'
import { type Validator, validatorMessage, validatorSetMessage } from '../../src/consensus/validator-set.ts'
import { fourValidators, makeValidator } from './make-validator.ts'

function encoded(validators: readonly Validator[]): Uint8Array {
  return validatorSetMessage.encode({ epoch: 0, validators })
}

function refuses(validators: readonly Validator[], why: RegExp): void {
  assert.throws(() => decodeCommittee(encoded(validators)), { code: 'COMMITTEE_INVALID', message: why })
}

function withChange(index: number, changes: Partial<Validator>): Validator[] {
  return fourValidators().map((validator, position) => (position === index ? { ...validator, ...changes } : validator))
}

describe('decodeCommittee', () => {
  it('takes a committee that keeps every rule, and digests it as received', () => {
    const bytes = validatorSetMessage.encode({ epoch: 7, validators: fourValidators() })
    const committee = decodeCommittee(bytes)
    assert.deepEqual(committee.validators, fourValidators())
    assert.deepEqual([committee.epoch, committee.bytes, committee.digest], [7, bytes, digestOf('validator-set', bytes)])
  })

  it('takes a single validator with all the power, and a thousand', () => {
    decodeCommittee(encoded([makeValidator(0, { votingPower: 10_000 })]))
    const thousand = Array.from({ length: 1_000 }, (_, index) => makeValidator(index, { votingPower: 10 }))
    assert.equal(decodeCommittee(encoded(thousand)).validators.length, 1_000)
  })

  it('refuses a committee without validators', () => refuses([], /no validators/))

  it('refuses more than a thousand validators', () => {
    const item = validatorMessage.encode(makeValidator(0, { votingPower: 10 }))
    const field = Buffer.concat([Uint8Array.of(0x12, 0x80 | (item.byteLength & 0x7f), item.byteLength >> 7), item])
    const bytes = Buffer.concat(new Array<Uint8Array>(1_001).fill(field))
    assert.throws(() => decodeCommittee(bytes), { code: 'COMMITTEE_INVALID', message: /more than 1000/ })
  })

  it('refuses validators out of order', () => {
    const [first, second, ...rest] = fourValidators() as [Validator, Validator, ...Validator[]]
    refuses([second, first, ...rest], /not in order/)
  })

  it('refuses the same authority key twice', () => {
    refuses(withChange(1, { authorityKey: makeValidator(0).authorityKey }), /not in order/)
  })

  it('refuses the same protocol key twice', () => {
    refuses(withChange(3, { protocolKey: makeValidator(0).protocolKey }), /validator 3 has a key/)
  })

  it('refuses the same network key twice', () => {
    refuses(withChange(2, { networkKey: makeValidator(0).networkKey }), /validator 2 has a key/)
  })

  it('refuses one key for two purposes', () => {
    refuses(withChange(2, { networkKey: makeValidator(2).protocolKey }), /validator 2 has a key/)
    refuses(withChange(2, { networkKey: makeValidator(3).protocolKey }), /validator 3 has a key/)
  })

  it('refuses a validator without power', () => {
    refuses(
      [...withChange(0, { votingPower: 5_000 }).slice(0, 3), makeValidator(3, { votingPower: 0 })],
      /no voting power/
    )
  })

  it('refuses powers that do not sum to 10,000', () => {
    refuses(withChange(0, { votingPower: 2_501 }), /sum to 10001/)
    refuses(withChange(0, { votingPower: 2_499 }), /sum to 9999/)
    refuses(withChange(0, { votingPower: 2 ** 32 - 1 }), /sum to 4294974795/)
  })

  it('refuses a set over its length before reading it', () => {
    const bytes = new Uint8Array(MAX_VALIDATOR_SET_BYTES + 1)
    assert.throws(() => decodeCommittee(bytes), { code: 'COMMITTEE_INVALID', message: /over 1572864/ })
  })

  it('refuses what is not a validator set', () => {
    assert.throws(() => decodeCommittee(Uint8Array.of(1)), { code: 'COMMITTEE_INVALID' })
  })
})

describe('encodeCommittee', () => {
  it('puts the validators into order', () => {
    const committee = encodeCommittee({ epoch: 3, validators: fourValidators().reverse() })
    assert.deepEqual(committee.validators, fourValidators())
    assert.equal(committee.epoch, 3)
  })

  it('checks the rules as well', () => {
    assert.throws(() => encodeCommittee({ epoch: 0, validators: [makeValidator(0)] }), { code: 'COMMITTEE_INVALID' })
  })
})
