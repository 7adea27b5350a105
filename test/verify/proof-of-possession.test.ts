import assert from 'node:assert/strict'
import { test } from 'node:test'
import { intentMessage, NO_CHAIN } from '../../src/consensus/intent.ts'
import { blsKeyPair, blsSign } from '../../src/verify/bls.ts'
import { makeProofOfPossession, verifyProofOfPossession } from '../../src/verify/proof-of-possession.ts'

const chainId = new Uint8Array(32).fill(3)
const [pair, other] = [1, 2].map((fill) => blsKeyPair(new Uint8Array(32).fill(fill))) as [
  ReturnType<typeof blsKeyPair>,
  ReturnType<typeof blsKeyPair>
]
const authorityKey = pair.publicKey

test('a proof of possession is by the key, over the key, for one chain', () => {
  const proofOfPossession = makeProofOfPossession(pair, chainId)
  assert.equal(verifyProofOfPossession({ authorityKey, proofOfPossession }, chainId), true)
  assert.equal(verifyProofOfPossession({ authorityKey, proofOfPossession }, NO_CHAIN), false)
  assert.equal(verifyProofOfPossession({ authorityKey: other.publicKey, proofOfPossession }, chainId), false)
  const byOther = blsSign(other.secretKey, intentMessage('proof-of-possession', chainId, authorityKey))
  assert.equal(verifyProofOfPossession({ authorityKey, proofOfPossession: byOther }, chainId), false)
  const otherPurpose = blsSign(pair.secretKey, intentMessage('end-of-epoch', chainId, authorityKey))
  assert.equal(verifyProofOfPossession({ authorityKey, proofOfPossession: otherPurpose }, chainId), false)
})

test('a malformed proof or key proves nothing', () => {
  const proofOfPossession = makeProofOfPossession(pair, chainId)
  for (const wrong of [new Uint8Array(0), new Uint8Array(96), proofOfPossession.subarray(1)]) {
    assert.equal(verifyProofOfPossession({ authorityKey, proofOfPossession: wrong }, chainId), false)
  }
  assert.equal(verifyProofOfPossession({ authorityKey: new Uint8Array(48), proofOfPossession }, chainId), false)
})
