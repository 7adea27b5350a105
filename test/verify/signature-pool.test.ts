import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import { seededRandom } from '../../src/runtime/random.ts'
import { blsAggregate, blsKeyPair, blsSign } from '../../src/verify/bls.ts'
import { acquireSignaturePool, type SignaturePool } from '../../src/verify/signature-pool.ts'
import { brokenChecks, mixedChecks, validCheck } from './make-checks.ts'

async function withPool(workers: number, use: (pool: SignaturePool) => Promise<void>): Promise<void> {
  const pool = acquireSignaturePool({ workers })
  try {
    await use(pool)
  } finally {
    await pool.release()
  }
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
        assert.deepEqual(await pool.verifyBls(checks), [true, true, true, false, true, true, false])
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

describe('the process', () => {
  const makeChecks = new URL('./make-checks.ts', import.meta.url)
  const poolUrl = new URL('../../src/verify/signature-pool.ts', import.meta.url)

  /** Runs a module in a process of its own. */
  async function run(body: string): Promise<string> {
    const source = `
      import { acquireSignaturePool } from ${JSON.stringify(poolUrl)}
      import { validCheck } from ${JSON.stringify(makeChecks)}
      const checks = Array.from({ length: 300 }, (_, index) => validCheck(64, index))
      const pool = acquireSignaturePool({ workers: 2 })
      ${body}`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', source])
    return stdout
  }

  test('ends by itself with a pool that nobody released', async () => {
    assert.match(await run('console.log((await pool.verify(checks)).length)'), /^300$/m)
  })

  test('has no thread left when the last share is released', async () => {
    const body = `
      await pool.verify(checks)
      await pool.release()
      console.log('left:', process.getActiveResourcesInfo().filter((name) => name === 'MessagePort' || name === 'Worker').length)`
    assert.match(await run(body), /^left: 0$/m)
  })
})
