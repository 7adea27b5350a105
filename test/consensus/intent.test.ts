import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { blake2b256 } from '../../src/consensus/digest.ts'
import { type IntentScope, intentMessage, intentPrefix, NO_CHAIN } from '../../src/consensus/intent.ts'
import { toHex } from '../../src/runtime/hex.ts'

const scopes: IntentScope[] = ['block', 'end-of-epoch', 'proof-of-possession', 'transaction', 'certificate']
const chain = new Uint8Array(32).fill(1)

describe('intentPrefix', () => {
  it('is 32 bytes over scope and chain', () => {
    assert.deepEqual(intentPrefix('block', chain), blake2b256(Buffer.from('soma-p2p/1/intent/block:'), chain))
    assert.equal(intentPrefix('block', chain).byteLength, 32)
  })

  it('differs by scope and by chain', () => {
    const prefixes = scopes.flatMap((scope) => [NO_CHAIN, chain].map((id) => toHex(intentPrefix(scope, id))))
    assert.equal(new Set(prefixes).size, 10)
  })
})

describe('intentMessage', () => {
  it('is the prefix and the payload', () => {
    const message = intentMessage('block', chain, Uint8Array.of(1), Uint8Array.of(2, 3))
    assert.deepEqual(message.subarray(0, 32), intentPrefix('block', chain))
    assert.deepEqual(message.subarray(32), Uint8Array.of(1, 2, 3))
  })
})
