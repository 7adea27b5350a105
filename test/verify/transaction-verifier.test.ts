import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { encodeCommittee } from '../../src/consensus/committee.ts'
import { MAX_BLOCK_BYTES, MAX_BLOCK_TRANSACTIONS } from '../../src/consensus/limits.ts'
import { StakeAggregator } from '../../src/consensus/stake-aggregator.ts'
import { encodeCertified, encodeEndOfPublish, TransactionSigner } from '../../src/testing/sign-transaction.ts'
import { createMainThreadVerifier } from '../../src/verify/main-thread-verifier.ts'
import { acquireSignaturePool } from '../../src/verify/signature-pool.ts'
import { createTransactionVerifier } from '../../src/verify/transaction-verifier.ts'
import {
  BLOCK_AUTHOR,
  brokenTransactions,
  committeeOf,
  four,
  otherChain,
  SENDER,
  sample,
  sampleBytes,
  sumOf
} from './transaction-samples.ts'

const { chainId, committee, keys } = four
const mainThread = createMainThreadVerifier()
const author = BLOCK_AUTHOR
const endOfPublish = encodeEndOfPublish({ epoch: 0, author })

function verifierOf(options: { chainId?: Uint8Array } = {}) {
  return createTransactionVerifier({ chainId, signatures: mainThread, ...options })
}

describe('the transactions of a block', () => {
  test('are valid: certified ones, an end of publishing, one of them twice, none', async () => {
    const verifier = verifierOf()
    const transactions = [sampleBytes(0), sampleBytes(1), endOfPublish, sampleBytes(0)]
    assert.equal(await verifier.verify(transactions, committee, { author }), undefined)
    assert.equal(await verifier.verify([], committee, { author }), undefined)
  })

  test('are valid with an empty payload, with everybody as signer, and with a field of a later version', async () => {
    const everybody = new TransactionSigner({ chainId, committee, keys, signers: [0, 1, 2, 3] })
    const certified = encodeCertified(everybody.sign(SENDER, new Uint8Array(0)))
    const later = new Uint8Array([...certified, 0x1a, 1, 7])
    assert.equal(await verifierOf().verify([certified, later], committee), undefined)
  })

  for (const size of [1, 7, 8, 9, 100]) {
    test(`are valid by a quorum of ${size} validators, and not by one of less`, async () => {
      const of = committeeOf(Array.from({ length: size }, () => 1))
      const verifier = verifierOf({ chainId: of.chainId })
      const enough = encodeCertified(of.signer.sign(SENDER, new Uint8Array(10)))
      assert.equal(await verifier.verify([enough], of.committee), undefined)
      const stake = new StakeAggregator(of.committee)
      const most = [...of.committee.validators.keys()].filter((index) => stake.add(index) && !stake.hasQuorum)
      if (most.length === 0) return
      const few = new TransactionSigner({ ...of, signers: most }).sign(SENDER, new Uint8Array(10))
      const invalid = await verifier.verify([encodeCertified(few)], of.committee)
      assert.match(invalid?.reason ?? '', /under 6667/)
    })
  }

  test('count the stake of their signers, not their heads', async () => {
    const of = committeeOf([6_667, 1_111, 1_111, 1_111])
    const strong = of.committee.validators.findIndex(({ votingPower }) => votingPower === 6_667)
    const certifiedBy = (signers: readonly number[]) =>
      encodeCertified(new TransactionSigner({ ...of, signers }).sign(SENDER, new Uint8Array(1)))
    const verifier = verifierOf({ chainId: of.chainId })
    assert.equal(await verifier.verify([certifiedBy([strong])], of.committee), undefined)
    const weak = [0, 1, 2, 3].filter((index) => index !== strong)
    assert.match((await verifier.verify([certifiedBy(weak)], of.committee))?.reason ?? '', /stake 3333/)
  })

  for (const [what, { bytes, reason }] of Object.entries(brokenTransactions)) {
    test(`are refused with ${what}`, async () => {
      const invalid = await verifierOf().verify([endOfPublish, sampleBytes(1), bytes], committee, { author })
      assert.equal(invalid?.index, 2)
      assert.match(invalid?.reason ?? '', reason)
    })
  }

  test('are refused on another chain', async () => {
    const invalid = await verifierOf({ chainId: otherChain }).verify([sampleBytes(0)], committee)
    assert.deepEqual(invalid, { index: 0, reason: 'is not signed by its sender' })
  })

  test('are refused by a committee of the same epoch with other keys', async () => {
    const of = committeeOf([1, 1, 1, 1, 1])
    const bitmapOfOne = await verifierOf().verify([sampleBytes(0)], of.committee)
    assert.match(bitmapOfOne?.reason ?? '', /stake|signers did not sign/)
  })

  test('hold an end of publishing by any validator where the block is not known', async () => {
    const ofAnother = encodeEndOfPublish({ epoch: 0, author: 2 })
    assert.equal(await verifierOf().verify([ofAnother], committee), undefined)
  })

  test('are as many as a block holds, and as large', async () => {
    const verifier = verifierOf()
    const most = new Array<Uint8Array>(MAX_BLOCK_TRANSACTIONS).fill(endOfPublish)
    assert.equal(await verifier.verify(most, committee, { author }), undefined)
    const { index } = (await verifier.verify([...most, endOfPublish], committee, { author })) ?? {}
    assert.equal(index, MAX_BLOCK_TRANSACTIONS)
    const large = await verifier.verify([new Uint8Array(MAX_BLOCK_BYTES + 1)], committee)
    assert.match(large?.reason ?? '', /2097153 bytes, over 2097152/)
  })

  test('are named by the first that is invalid, whatever is wrong with it and however many there are', async () => {
    const falseSender = brokenTransactions['another payload']?.bytes as Uint8Array
    const falseCertificate = brokenTransactions['an aggregate by nobody']?.bytes as Uint8Array
    const malformed = new Uint8Array(3)
    const orders = [
      [falseCertificate, falseSender, malformed],
      [falseSender, malformed, falseCertificate],
      [malformed, falseCertificate, falseSender]
    ]
    for (const start of [0, 1, 126, 127, 128, 700]) {
      for (const order of orders) {
        const transactions = [...new Array<Uint8Array>(start).fill(endOfPublish), ...order, endOfPublish]
        const invalid = await verifierOf().verify(transactions, committee, { author })
        assert.equal(invalid?.index, start)
      }
    }
  })

  test('are judged alike in any mixture, at once or one after the other, remembered or not', async () => {
    const valid = [endOfPublish, ...[0, 1, 2, 3, 4].map(sampleBytes)].map((bytes) => ({ bytes, isValid: true }))
    const broken = Object.values(brokenTransactions).map(({ bytes }) => ({ bytes, isValid: false }))
    const transaction = fc.oneof(
      { weight: 12, arbitrary: fc.constantFrom(...valid) },
      { weight: 1, arbitrary: fc.constantFrom(...broken) }
    )
    const blocks = fc.array(fc.array(transaction, { maxLength: 12 }), { maxLength: 4 })
    const pool = acquireSignaturePool({ workers: 2 })
    await fc.assert(
      fc.asyncProperty(blocks, fc.nat({ max: 6 }), async (mixture, rememberedTransactions) => {
        const verifier = createTransactionVerifier({ chainId, signatures: pool, rememberedTransactions })
        const verdicts = await Promise.all(
          mixture.map((block) =>
            verifier.verify(
              block.map(({ bytes }) => bytes),
              committee,
              { author }
            )
          )
        )
        const found = verdicts.map((verdict) => verdict?.index ?? -1)
        const expected = mixture.map((block) => block.findIndex(({ isValid }) => !isValid))
        assert.deepEqual(found, expected)
      }),
      { numRuns: 40 }
    )
    await pool.release()
  })
})

test('a transaction signer signs as all its validators together', () => {
  const certified = new TransactionSigner({ chainId, committee, keys, signers: [3, 0, 2] }).sign(
    SENDER,
    sample(0).payload
  )
  assert.deepEqual(certified.certificate.aggregateSignature, sumOf([0, 2, 3]))
  assert.deepEqual(certified.certificate.signers, Uint8Array.of(0b1101))
  assert.throws(() => new TransactionSigner({ chainId, committee, keys, signers: [] }), RangeError)
  assert.throws(() => new TransactionSigner({ chainId, committee, keys, signers: [4] }), RangeError)
})

test('a committee that differs in its powers alone is another committee to a verifier that remembers', async () => {
  const verifier = verifierOf()
  assert.equal(await verifier.verify([sampleBytes(0)], committee), undefined)
  const validators = committee.validators.map((validator, index) => ({
    ...validator,
    votingPower: [1_000, 1_000, 1_000, 7_000][index] ?? 0
  }))
  const invalid = await verifier.verify([sampleBytes(0)], encodeCommittee({ epoch: 0, validators }))
  assert.match(invalid?.reason ?? '', /stake 3000/)
})
