import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Worker } from 'node:worker_threads'
import { seededRandom } from '../../src/runtime/random.ts'
import { blsAggregate, blsKeyPair, blsSign } from '../../src/verify/bls.ts'
import { acquireSignaturePool, type SignaturePool } from '../../src/verify/signature-pool.ts'
import { brokenChecks, mixedChecks, validCheck } from './make-checks.ts'

async function withPool(workers: number, use: (pool: SignaturePool) => Promise<void>): Promise<void> {
  const faults: Error[] = []
  const pool = acquireSignaturePool({ workers, onFault: (error) => faults.push(error) })
  try {
    await use(pool)
  } finally {
    await pool.release()
  }
  assert.deepEqual(faults, [])
}

for (const workers of [0, 1, 2]) {
  describe(`a signature pool of ${workers} workers`, () => {
    test('gives each check its verdict, in order, whatever the size of the batch', async () => {
      const seed = 7
      const random = seededRandom(seed)
      await withPool(workers, async (pool) => {
        for (const count of [0, 1, 7, 8, 15, 16, 17, 63, 64, 65, 130, 300]) {
          const { checks, verdicts } = mixedChecks(random, count)
          assert.deepEqual(await pool.verify(checks), verdicts, `${count} checks, seed ${seed}`)
        }
      })
    })

    test('gives each of many callers at once its own verdicts', async () => {
      const seed = 11
      const random = seededRandom(seed)
      await withPool(workers, async (pool) => {
        const batches = Array.from({ length: 40 }, (_, index) => mixedChecks(random, 1 + index))
        const results = await Promise.all(batches.map(({ checks }) => pool.verify(checks)))
        const expected = batches.map(({ verdicts }) => verdicts)
        assert.deepEqual(results, expected, `seed ${seed}`)
      })
    })

    test('refuses whatever is wrong with a check', async () => {
      const valid = validCheck(100)
      const checks = [...brokenChecks(valid), valid]
      const verdicts = checks.map((check) => check === valid)
      await withPool(workers, async (pool) => {
        assert.deepEqual(await pool.verify(checks), verdicts)
        const many = Array.from({ length: 20 }, () => checks).flat()
        assert.deepEqual(
          await pool.verify(many),
          many.map((check) => check === valid)
        )
      })
    })

    test('verifies messages larger than its shared memory', async () => {
      const checks = [1, 2_000_000, 3, 700_000, 700_000, 5].map((bytes, index) => validCheck(bytes, index))
      const wrong = validCheck(1_000_000)
      await withPool(workers, async (pool) => {
        const broken = { ...wrong, payload: wrong.payload.subarray(1) }
        assert.deepEqual(await pool.verify([...checks, broken]), [...checks.map(() => true), false])
        assert.deepEqual(
          await pool.verify(checks),
          checks.map(() => true),
          'with its memory grown'
        )
      })
    })

    test('verifies BLS signatures', async () => {
      const message = new Uint8Array(40).fill(2)
      const pairs = [1, 2, 3, 4, 5].map((fill) => blsKeyPair(new Uint8Array(32).fill(fill)))
      const signatures = pairs.map(({ secretKey }) => blsSign(secretKey, message))
      const publicKeys = pairs.map(({ publicKey }) => publicKey)
      const single = pairs.map(({ publicKey }, index) => ({
        publicKeys: [publicKey],
        message,
        signature: signatures[(index === 3 ? 0 : index) % 5] as Uint8Array
      }))
      const aggregate = { publicKeys, message, signature: blsAggregate(signatures) }
      await withPool(workers, async (pool) => {
        const checks = [...single, aggregate, { ...aggregate, publicKeys: publicKeys.slice(1) }]
        const verdicts = [true, true, true, false, true, true, false]
        assert.deepEqual(await pool.verifyBls(checks), verdicts)
        const many = Array.from({ length: 6 }, () => checks).flat()
        const [mixed, valid] = await Promise.all([
          pool.verifyBls(many),
          pool.verifyBls(many.filter((check) => check === aggregate))
        ])
        assert.deepEqual(mixed, Array.from({ length: 6 }, () => verdicts).flat())
        assert.deepEqual(valid, new Array(6).fill(true))
        assert.deepEqual(await pool.verifyBls([]), [])
      })
    })

    test('rejects with the reason of a signal, before and during the work, and goes on with the rest', async () => {
      const checks = Array.from({ length: 400 }, (_, index) => validCheck(64, index))
      await withPool(workers, async (pool) => {
        const reason = new Error('no longer wanted')
        await assert.rejects(pool.verify(checks, { signal: AbortSignal.abort(reason) }), reason)
        await assert.rejects(pool.verifyBls([], { signal: AbortSignal.abort(reason) }), reason)
        const controller = new AbortController()
        const given = pool.verify(checks, { signal: controller.signal })
        const other = pool.verify(checks)
        setImmediate(() => controller.abort(reason))
        await assert.rejects(given, reason)
        assert.deepEqual(
          await other,
          checks.map(() => true)
        )
      })
    })
  })
}

describe('a share in the signature pool', () => {
  const checks = Array.from({ length: 500 }, (_, index) => validCheck(64, index))
  const released = { code: 'SIGNATURE_POOL_RELEASED' }

  test('released, rejects its calls, under way and new, and leaves the other shares alone', async () => {
    const [one, other] = [acquireSignaturePool({ workers: 2 }), acquireSignaturePool({ workers: 1 })]
    const [own, others] = [one.verify(checks), other.verify(checks)]
    await Promise.all([assert.rejects(own, released), one.release(), one.release()])
    assert.ok((await others).every((isValid) => isValid))
    await assert.rejects(one.verify(checks.slice(0, 1)), released)
    await assert.rejects(one.verifyBls([]), released)
    await other.release()
    await assert.rejects(other.verify(checks), released)
  })

  test('given back as the last one, leaves no thread', async () => {
    const workers: Worker[] = []
    const onWorker = (message: unknown) => workers.push((message as { worker: Worker }).worker)
    subscribe('worker_threads', onWorker)
    const shares = [1, 2].map((count) => acquireSignaturePool({ workers: count }))
    await Promise.all(shares.map((share) => share.verify(checks)))
    assert.equal(workers.length, 2)
    await Promise.all(shares.map((share) => share.release()))
    unsubscribe('worker_threads', onWorker)
    const left = workers.filter(({ threadId }) => threadId !== -1)
    assert.equal(left.length, 0)
  })

  test('can be taken anew while the last one is being given back', async () => {
    const last = acquireSignaturePool({ workers: 1 })
    await last.verify(checks)
    const ending = last.release()
    const next = acquireSignaturePool({ workers: 1 })
    assert.ok((await next.verify(checks)).every((isValid) => isValid))
    await Promise.all([ending, next.release()])
  })

  test('needs a number of workers', () => {
    for (const workers of [-1, 0.5, Number.NaN]) assert.throws(() => acquireSignaturePool({ workers }), RangeError)
  })
})

test('the process ends by itself with a pool that nobody released, but not before its results are there', async () => {
  const script = fileURLToPath(new URL('./signature-pool-process.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [script], { timeout: 30_000 })
  assert.equal(stdout, 'first 300\nsecond 300\n')
})
