import type { Validator } from '../../src/consensus/validator-set.ts'

/** A validator of the right form: its keys are no points of any curve, which committees do not look at. */
export function makeValidator(index: number, changes: Partial<Validator> = {}): Validator {
  return {
    authorityKey: keyOf(48, 1, index),
    proofOfPossession: new Uint8Array(96),
    protocolKey: keyOf(32, 2, index),
    networkKey: keyOf(32, 3, index),
    votingPower: 2_500,
    addresses: [],
    ...changes
  }
}

/** Four validators of equal power, in order. */
export function fourValidators(): Validator[] {
  return [0, 1, 2, 3].map((index) => makeValidator(index))
}

function keyOf(length: number, kind: number, index: number): Uint8Array {
  const key = Buffer.alloc(length)
  key.writeUInt32BE(index)
  key.writeUInt32BE(kind, 4)
  return new Uint8Array(key)
}
