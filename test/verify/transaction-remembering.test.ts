import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { consensusTransactionMessage } from '../../src/consensus/transaction.ts'
import type { BlsCheck } from '../../src/verify/bls-verifier.ts'
import { CertificateCache } from '../../src/verify/certificate-cache.ts'
import { createMainThreadVerifier } from '../../src/verify/main-thread-verifier.ts'
import { acquireSignaturePool } from '../../src/verify/signature-pool.ts'
import type { SignatureCheck } from '../../src/verify/signature-verifier.ts'
import { createTransactionVerifier } from '../../src/verify/transaction-verifier.ts'
import { brokenTransactions, four, sampleBytes } from './transaction-samples.ts'

const { chainId, committee } = four
const mainThread = createMainThreadVerifier()
type Options = { signal?: AbortSignal | undefined }

/** A verifier of which the test sees what is asked, and that can be made to wait, or to fail. */
function watchedVerifier(rememberedTransactions?: number) {
  const asked = { senders: 0, certificates: 0, signals: [] as (AbortSignal | undefined)[] }
  const state: { gate: Promise<void>; failure: Error | undefined } = { gate: Promise.resolve(), failure: undefined }
  const transactions = createTransactionVerifier({
    chainId,
    rememberedTransactions,
    signatures: {
      async verify(checks: readonly SignatureCheck[], options?: Options) {
        asked.senders += checks.length
        asked.signals.push(options?.signal)
        await state.gate
        return await mainThread.verify(checks, options)
      },
      async verifyBls(checks: readonly BlsCheck[], options?: Options) {
        asked.certificates += checks.length
        if (state.failure !== undefined) throw state.failure
        return await mainThread.verifyBls(checks, options)
      }
    }
  })
  const verify = (numbers: readonly number[], signal?: AbortSignal) =>
    transactions.verify(numbers.map(sampleBytes), committee, { signal })
  return { asked, state, transactions, verify }
}

describe('a valid certified transaction', () => {
  test('is verified once, in whatever block it comes again', async () => {
    const { asked, verify } = watchedVerifier()
    assert.equal(await verify([0, 1, 0]), undefined)
    assert.equal(await verify([1, 2, 0]), undefined)
    assert.deepEqual([asked.senders, asked.certificates], [3, 3])
  })

  test('is verified once for all blocks that come with it at the same time', async () => {
    const { asked, verify } = watchedVerifier()
    const verdicts = await Promise.all([verify([0, 1]), verify([1, 0]), verify([2, 1])])
    assert.deepEqual(verdicts, [undefined, undefined, undefined])
    assert.deepEqual([asked.senders, asked.certificates], [3, 3])
  })

  test('is forgotten when it is the oldest of too many', async () => {
    const { asked, verify } = watchedVerifier(2)
    await verify([0])
    await verify([1])
    await verify([0]) // does not become younger by it
    await verify([2])
    assert.equal(asked.senders, 3)
    await verify([1, 2])
    assert.equal(asked.senders, 3)
    await verify([0])
    assert.equal(asked.senders, 4)
  })

  test('is not remembered where none is to be', async () => {
    const { asked, verify } = watchedVerifier(0)
    await verify([0])
    await verify([0])
    assert.equal(asked.certificates, 2)
    for (const count of [-1, 0.5, Number.NaN]) assert.throws(() => watchedVerifier(count), RangeError)
  })

  test('lets nothing pass that differs from it in a single bit', async () => {
    const { verify, transactions } = watchedVerifier()
    const valid = sampleBytes(0)
    await verify([0])
    const bit = fc.integer({ min: 0, max: valid.byteLength * 8 - 1 })
    await fc.assert(
      fc.asyncProperty(bit, async (at) => {
        const bytes = valid.with(at >> 3, (valid[at >> 3] ?? 0) ^ (1 << (at & 7)))
        const invalid = await transactions.verify([bytes], committee)
        assert.equal(invalid?.index, 0)
      }),
      { numRuns: 150 }
    )
  })

  test('may come in another encoding, which is verified by itself', async () => {
    const { asked, verify, transactions } = watchedVerifier()
    await verify([0])
    const other = new Uint8Array([...sampleBytes(0), 0x1a, 0])
    assert.deepEqual(consensusTransactionMessage.decode(other), consensusTransactionMessage.decode(sampleBytes(0)))
    assert.equal(await transactions.verify([other], committee), undefined)
    assert.equal(asked.senders, 2)
  })
})

describe('an invalid transaction', () => {
  for (const what of ['another payload', 'an aggregate by nobody']) {
    test(`with ${what} is not remembered`, async () => {
      const { asked, transactions } = watchedVerifier()
      const bytes = brokenTransactions[what]?.bytes as Uint8Array
      const first = await transactions.verify([bytes], committee)
      assert.deepEqual(await transactions.verify([bytes], committee), first)
      assert.equal(first?.index, 0)
      assert.equal(asked.senders, 2)
    })
  }

  test('spoils no other that is verified with it', async () => {
    const { asked, verify, transactions } = watchedVerifier()
    const bytes = brokenTransactions['an aggregate by nobody']?.bytes as Uint8Array
    const block = [sampleBytes(0), bytes, sampleBytes(1)]
    const verdicts = await Promise.all([transactions.verify(block, committee), verify([0, 1])])
    assert.deepEqual([verdicts[0]?.index, verdicts[1]], [1, undefined])
    await verify([0, 1])
    assert.equal(asked.certificates, 3)
  })

  test('costs no certificate when its sender did not sign it', async () => {
    const { asked, transactions } = watchedVerifier()
    const bytes = brokenTransactions['another payload']?.bytes as Uint8Array
    await transactions.verify([bytes], committee)
    assert.deepEqual([asked.senders, asked.certificates], [1, 0])
  })
})

describe('a caller who gives up', () => {
  const reason = new Error('no longer wanted')

  test('before anything is verified gets the reason of its signal', async () => {
    const { asked, verify } = watchedVerifier()
    await assert.rejects(verify([0], AbortSignal.abort(reason)), reason)
    assert.equal(asked.senders, 0)
  })

  test('takes nothing from another who waits for the same', async () => {
    const { asked, state, verify } = watchedVerifier()
    const gate = Promise.withResolvers<void>()
    state.gate = gate.promise
    const controller = new AbortController()
    const [given, waited] = [verify([0, 1], controller.signal), verify([1, 2])]
    controller.abort(reason)
    await assert.rejects(given, reason)
    assert.deepEqual(
      asked.signals.map((signal) => signal?.aborted),
      [false, false]
    )
    gate.resolve()
    assert.equal(await waited, undefined)
    await verify([0, 1, 2])
    assert.ok(asked.senders <= 4)
  })

  test('as the last one ends the work, and who comes then begins anew', async () => {
    const { asked, state, verify } = watchedVerifier()
    const gate = Promise.withResolvers<void>()
    state.gate = gate.promise
    const controllers = [new AbortController(), new AbortController()]
    const given = controllers.map(({ signal }) => verify([0], signal))
    for (const controller of controllers) controller.abort(reason)
    await Promise.all(given.map((pending) => assert.rejects(pending, reason)))
    assert.deepEqual(
      asked.signals.map((signal) => signal?.aborted),
      [true]
    )
    const next = verify([0])
    gate.resolve()
    assert.equal(await next, undefined)
    assert.equal(asked.senders, 2)
    await verify([0])
    assert.equal(asked.senders, 2)
  })
})

describe('a failure of ours', () => {
  test('is told as it is to all who wait, and held against no transaction', async () => {
    const { asked, state, verify } = watchedVerifier()
    const failure = new Error('no threads left')
    state.failure = failure
    await Promise.all([assert.rejects(verify([0]), failure), assert.rejects(verify([0, 1]), failure)])
    state.failure = undefined
    assert.equal(await verify([0, 1]), undefined)
    assert.deepEqual([asked.senders, asked.certificates], [4, 4])
  })

  test('is what a released pool is', async () => {
    const pool = acquireSignaturePool({ workers: 1 })
    const verifier = createTransactionVerifier({ chainId, signatures: pool })
    const pending = verifier.verify([sampleBytes(0)], committee)
    const told = assert.rejects(pending, { code: 'SIGNATURE_POOL_RELEASED' })
    await pool.release()
    await told
  })
})

test('a cache of certificates holds as many as it may, those that came last', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 20 })), fc.nat({ max: 8 }), (numbers, capacity) => {
      const cache = new CertificateCache(capacity)
      const model: number[] = []
      for (const number of numbers) {
        cache.add(`${number}`)
        if (!model.includes(number)) model.push(number)
        if (model.length > capacity) model.shift()
        assert.equal(cache.size, model.length)
        assert.ok(model.every((held) => cache.has(`${held}`)))
      }
    })
  )
})
