import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Committee, encodeCommittee } from '../../src/consensus/committee.ts'
import type { EndOfEpochData } from '../../src/consensus/end-of-epoch.ts'
import { NO_CHAIN } from '../../src/consensus/intent.ts'
import { type Validator, validatorSetMessage } from '../../src/consensus/validator-set.ts'
import { toHex } from '../../src/runtime/hex.ts'
import { buildChain, commitAt } from '../../src/testing/chain-builder.ts'
import { forgeBlock } from '../../src/testing/forge.ts'
import { deriveValidatorKeys } from '../../src/testing/validator-keys.ts'
import { createBlockVerifier } from '../../src/verify/block-verifier.ts'
import { type BlsKeyPair, blsAggregate, blsKeyPair, blsSign } from '../../src/verify/bls.ts'
import type { BlsCheck } from '../../src/verify/bls-verifier.ts'
import { findFalseProof } from '../../src/verify/committee-proofs.ts'
import { type HandOver, handOverMessage } from '../../src/verify/hand-over.ts'
import { createMainThreadVerifier } from '../../src/verify/main-thread-verifier.ts'
import { makeProofOfPossession } from '../../src/verify/proof-of-possession.ts'
import { encodeSigners } from '../../src/verify/signer-bitmap.ts'

const chain = buildChain({ commits: 3 })
const { chainId, committee } = chain.genesis
const authorities = chain.keys.map((keys) => blsKeyPair(keys.authoritySeed))
const [original] = commitAt(chain, 3).subDag.blocks
assert.ok(original !== undefined)
const { author } = original.ref
const mainThread = createMainThreadVerifier()

/** A verifier that counts the BLS signatures it is asked for. */
function countingVerifier() {
  const checked: BlsCheck[] = []
  const verifier = createBlockVerifier({
    chainId,
    signatures: mainThread,
    getCommittee: (epoch) => (epoch === 0 ? committee : undefined),
    bls: {
      verifyBls(checks, options) {
        checked.push(...checks)
        return mainThread.verifyBls(checks, options)
      }
    }
  })
  return { verifier, checked }
}

const newcomer = blsKeyPair(deriveValidatorKeys(99, 0).authoritySeed)

/** The next epoch's validators: those of this one, with the last replaced by a newcomer. */
function nextValidators(proof = makeProofOfPossession(newcomer, chainId)): Validator[] {
  const [last, ...others] = committee.validators.toReversed() as [Validator, ...Validator[]]
  const fresh = { protocolKey: new Uint8Array(32).fill(1), networkKey: new Uint8Array(32).fill(2) }
  return [...others, { ...last, ...fresh, authorityKey: newcomer.publicKey, proofOfPossession: proof }]
}

const next = encodeCommittee({ epoch: 1, validators: nextValidators() })
const stateHash = new Uint8Array(32).fill(4)
const nextEpochStartMs = 1_800_000_000_000

function sign(index: number, changes: Partial<HandOver> = {}, chainOf = chainId, set = next): Uint8Array {
  const handOver = { epoch: 0, nextSetDigest: set.digest, nextEpochStartMs, stateHash, ...changes }
  return blsSign((authorities[index] as BlsKeyPair).secretKey, handOverMessage(chainOf, handOver))
}

function aggregateOf(signers: readonly number[], changes: Partial<HandOver> = {}) {
  const aggregateSignature = blsAggregate(signers.map((index) => sign(index, changes)))
  return { aggregateSignature, signers: encodeSigners(signers, committee) }
}

const absent: EndOfEpochData = {
  nextEpochStartMs,
  nextValidatorSet: undefined,
  stateHash: undefined,
  authorSignature: undefined,
  aggregateSignature: undefined,
  signers: undefined
}
const proposed: EndOfEpochData = { ...absent, nextValidatorSet: next.bytes, stateHash }
const signed: EndOfEpochData = { ...proposed, authorSignature: sign(author) }
const whole: EndOfEpochData = { ...signed, ...aggregateOf([0, 1, 2]) }

function blockWith(endOfEpoch: EndOfEpochData) {
  assert.ok(original !== undefined)
  return forgeBlock(chain, original, { endOfEpoch })
}

/** The next set changed without being put into order or checked again. */
function setOf(validators: readonly Validator[], epoch = 1): Uint8Array {
  return validatorSetMessage.encode({ epoch, validators })
}

describe('end-of-epoch data', () => {
  const valid: Record<string, EndOfEpochData> = {
    'a start time alone': absent,
    'a start time and a state hash': { ...absent, stateHash },
    'the next set, not yet signed': proposed,
    'the next set without a state hash, not yet signed': { ...proposed, stateHash: undefined },
    "the author's signature": signed,
    'the aggregate of a quorum': whole,
    'the aggregate of everybody': { ...signed, ...aggregateOf([0, 1, 2, 3]) },
    'the aggregate of a quorum without the author': {
      ...signed,
      ...aggregateOf([0, 1, 2, 3].filter((index) => index !== author))
    }
  }
  for (const [what, data] of Object.entries(valid)) {
    test(`is valid with ${what}`, async () => {
      await countingVerifier().verifier.verify([blockWith(data)])
    })
  }

  const swapped = next.validators.toReversed()
  const weak = next.validators.map((validator, index) => ({ ...validator, votingPower: index === 0 ? 1 : 2_500 }))
  const broken: Record<string, EndOfEpochData> = {
    "the author's signature without the next set": { ...signed, nextValidatorSet: undefined },
    "the author's signature without the state hash": { ...signed, stateHash: undefined },
    'the aggregate without the next set': { ...whole, nextValidatorSet: undefined },
    "the aggregate without the author's signature": { ...whole, authorSignature: undefined },
    'the aggregate without its signers': { ...whole, signers: undefined },
    'signers without an aggregate': { ...whole, aggregateSignature: undefined },
    'signers of too little stake': { ...signed, ...aggregateOf([0, 1]) },
    'a bitmap of another length': { ...whole, signers: Uint8Array.of(0b111, 0) },
    'a bitmap that names somebody beyond the committee': { ...whole, signers: Uint8Array.of(0b1_0111) },
    'a bitmap that names somebody who did not sign': { ...whole, signers: Uint8Array.of(0b1111) },
    'a bitmap that names another signer': { ...whole, signers: Uint8Array.of(0b1101) },
    'an aggregate over another hand-over': { ...whole, ...aggregateOf([0, 1, 2], { stateHash: next.digest }) },
    'bytes that are no aggregate': { ...whole, aggregateSignature: new Uint8Array(96).fill(1) },
    "another's signature": { ...signed, authorSignature: sign((author + 1) % 4) },
    'a signature over another epoch': { ...signed, authorSignature: sign(author, { epoch: 1 }) },
    'a signature over another start': { ...signed, authorSignature: sign(author, { nextEpochStartMs: 1 }) },
    'a signature over another state': { ...signed, authorSignature: sign(author, { stateHash: next.digest }) },
    'a signature over another set': { ...signed, authorSignature: sign(author, { nextSetDigest: stateHash }) },
    'a signature for another chain': { ...signed, authorSignature: sign(author, {}, NO_CHAIN) },
    'a set that does not decode': { ...proposed, nextValidatorSet: Uint8Array.of(0xff) },
    'a set that is not in order': { ...proposed, nextValidatorSet: setOf(swapped) },
    'a set whose powers are not 10,000 in all': { ...proposed, nextValidatorSet: setOf(weak) },
    'a set of this epoch': { ...proposed, nextValidatorSet: setOf(next.validators, 0) },
    'a set of the epoch after the next': { ...proposed, nextValidatorSet: setOf(next.validators, 2) }
  }
  for (const [what, data] of Object.entries(broken)) {
    test(`is refused with ${what}`, async () => {
      const block = blockWith(data)
      await assert.rejects(countingVerifier().verifier.verify([block]), {
        code: 'BLOCK_BAD_END_OF_EPOCH',
        block: block.ref
      })
    })
  }

  test("is refused with a next set of which a newcomer's proof of possession is missing, for another chain, or another's", async () => {
    const proofs = {
      none: new Uint8Array(96),
      'of no chain': makeProofOfPossession(newcomer, NO_CHAIN),
      'of another key': makeProofOfPossession(authorities[0] as BlsKeyPair, chainId)
    }
    for (const [what, proof] of Object.entries(proofs)) {
      const set = encodeCommittee({ epoch: 1, validators: nextValidators(proof) })
      const block = blockWith({ ...proposed, nextValidatorSet: set.bytes })
      const refusal = { code: 'BLOCK_BAD_END_OF_EPOCH', message: /possession/ }
      await assert.rejects(countingVerifier().verifier.verify([block]), refusal, what)
    }
  })

  test('is refused with a validator that stays, but with another proof', async () => {
    const [stays, ...others] = nextValidators() as [Validator, ...Validator[]]
    const set = encodeCommittee({
      epoch: 1,
      validators: [{ ...stays, proofOfPossession: new Uint8Array(96) }, ...others]
    })
    const block = blockWith({ ...proposed, nextValidatorSet: set.bytes })
    await assert.rejects(countingVerifier().verifier.verify([block]), { code: 'BLOCK_BAD_END_OF_EPOCH' })
  })
})

describe('the cost of end-of-epoch data', () => {
  test('is one proof for each newcomer, once for all blocks that carry the same set', async () => {
    const { verifier, checked } = countingVerifier()
    const blocks = [absent, proposed, signed].map(blockWith)
    await Promise.all(blocks.map((block) => verifier.verify([block])))
    await verifier.verify(blocks)
    const proofs = checked.filter(({ publicKeys: [key] }) => key && toHex(key) === toHex(newcomer.publicKey))
    assert.equal(proofs.length, 1)
    assert.equal(checked.length, 1 + 2, "and the author's signature each time")
  })

  test('is nothing when the block is not signed by its author', async () => {
    const { verifier, checked } = countingVerifier()
    const block = forgeBlock(chain, original, { endOfEpoch: whole }, { signer: (author + 1) % 4 })
    await assert.rejects(verifier.verify([block]), { code: 'BLOCK_BAD_SIGNATURE' })
    assert.equal(checked.length, 0)
  })

  test('is not held against the set when the verifier failed', async () => {
    let failure: Error | undefined = new Error('no threads left')
    const bls = {
      verifyBls: (checks: readonly BlsCheck[]) => {
        if (failure !== undefined) return Promise.reject(failure)
        return mainThread.verifyBls(checks)
      }
    }
    const verifier = createBlockVerifier({ chainId, signatures: mainThread, getCommittee: () => committee, bls })
    const block = blockWith(proposed)
    await assert.rejects(verifier.verify([block]), failure)
    failure = undefined
    await verifier.verify([block])
  })

  test('of a set full of false proofs is one batch', async () => {
    const liars = Array.from({ length: 100 }, (_, index) => {
      const keys = deriveValidatorKeys(7, index)
      return {
        authorityKey: blsKeyPair(keys.authoritySeed).publicKey,
        proofOfPossession: new Uint8Array(96),
        protocolKey: keys.protocolSeed,
        networkKey: keys.networkSeed,
        votingPower: 100,
        addresses: []
      }
    })
    const set: Committee = encodeCommittee({ epoch: 1, validators: liars })
    let asked = 0
    const bls = {
      async verifyBls(checks: readonly BlsCheck[]) {
        asked += checks.length
        return checks.map(() => false)
      }
    }
    assert.equal(await findFalseProof(set, { bls, chainId }), 0)
    assert.ok(asked < 50, `${asked} proofs`)
  })
})

test('a hand-over binds the chain, the epoch, the next set, the start and the state, at fixed places', () => {
  const message = handOverMessage(chainId, {
    epoch: 258,
    nextSetDigest: next.digest,
    nextEpochStartMs: 2 ** 40,
    stateHash
  })
  assert.equal(message.byteLength, 32 + 8 + 32 + 8 + 32)
  assert.equal(toHex(message.subarray(32, 40)), '0000000000000102')
  assert.deepEqual(message.subarray(40, 72), next.digest)
  assert.equal(toHex(message.subarray(72, 80)), '0000010000000000')
  assert.deepEqual(message.subarray(80), stateHash)
  const elsewhere = handOverMessage(NO_CHAIN, {
    epoch: 258,
    nextSetDigest: next.digest,
    nextEpochStartMs: 2 ** 40,
    stateHash
  })
  assert.notDeepEqual(elsewhere.subarray(0, 32), message.subarray(0, 32))
})
