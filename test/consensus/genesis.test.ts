import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { digestOf } from '../../src/consensus/digest.ts'
import { decodeGenesis, encodeGenesis, genesisCommitRef, genesisMessage } from '../../src/consensus/genesis.ts'
import { validatorSetMessage } from '../../src/consensus/validator-set.ts'
import { fourValidators, makeValidator } from './make-validator.ts'

const stateHash = new Uint8Array(32).fill(4)
const content = {
  validatorSet: validatorSetMessage.encode({ epoch: 0, validators: fourValidators() }),
  startTimeMs: 1_700_000_000_000,
  stateHash
}

describe('decodeGenesis', () => {
  it('reads a genesis, whose digest is the chain id and stands as commit 0', () => {
    const bytes = genesisMessage.encode(content)
    const genesis = decodeGenesis(bytes)
    assert.deepEqual(genesis.chainId, digestOf('genesis', bytes))
    assert.deepEqual(genesisCommitRef(genesis), { index: 0, digest: genesis.chainId })
    assert.deepEqual(genesis.committee.validators, fourValidators())
    assert.deepEqual([genesis.startTimeMs, genesis.stateHash, genesis.bytes], [content.startTimeMs, stateHash, bytes])
    assert.deepEqual(encodeGenesis(content), genesis)
  })

  it('gives another chain id when anything differs', () => {
    const other = encodeGenesis({ ...content, startTimeMs: content.startTimeMs + 1 })
    assert.notDeepEqual(other.chainId, encodeGenesis(content).chainId)
  })

  it('refuses what is not a genesis', () => {
    assert.throws(() => decodeGenesis(new Uint8Array(0)), { code: 'GENESIS_INVALID' })
    assert.throws(() => decodeGenesis(Uint8Array.of(0xff, 0xff)), { code: 'GENESIS_INVALID' })
  })

  it('refuses a committee that is none, or of another epoch than 0', () => {
    const none = validatorSetMessage.encode({ epoch: 0, validators: [makeValidator(0)] })
    assert.throws(() => encodeGenesis({ ...content, validatorSet: none }), { code: 'COMMITTEE_INVALID' })
    assert.throws(() => encodeGenesis({ ...content, validatorSet: new Uint8Array(0) }), { code: 'COMMITTEE_INVALID' })
    const later = validatorSetMessage.encode({ epoch: 1, validators: fourValidators() })
    assert.throws(() => encodeGenesis({ ...content, validatorSet: later }), { code: 'GENESIS_INVALID' })
  })
})
