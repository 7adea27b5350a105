import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { seededRandom } from '../../src/runtime/random.ts'
import { blsKeyPair, blsSign } from '../../src/verify/bls.ts'
import { SignatureJob } from '../../src/verify/signature-job.ts'
import { startSignatureWorker } from '../../src/verify/signature-thread.ts'
import { SignatureThreads } from '../../src/verify/signature-threads.ts'
import { mixedChecks } from './make-checks.ts'

const seed = 3
const { checks, verdicts } = mixedChecks(seededRandom(seed), 600)

/** Threads whose workers the test chooses, told apart by their number. */
function threadsOf(start: (count: number) => Worker) {
  const workers: Worker[] = []
  const faults: Error[] = []
  const threads = new SignatureThreads(
    (error) => faults.push(error),
    () => {
      const worker = start(workers.length)
      workers.push(worker)
      return worker
    }
  )
  threads.allow(2)
  return { threads, workers, faults }
}

function verify(threads: SignatureThreads): Promise<boolean[]> {
  const job = new SignatureJob('ed25519', checks)
  threads.add(job)
  return job.done
}

/** BLS signatures by one key over one message, every third of them over another. */
function verifyBls(threads: SignatureThreads): { job: SignatureJob; expected: boolean[] } {
  const { secretKey, publicKey } = blsKeyPair(new Uint8Array(32).fill(1))
  const signature = blsSign(secretKey, Uint8Array.of(0))
  const blsChecks = Array.from({ length: 20 }, (_, index) => ({
    publicKeys: [publicKey],
    message: Uint8Array.of(Number(index % 3 === 2)),
    signature
  }))
  const job: SignatureJob = new SignatureJob('bls', blsChecks)
  threads.add(job)
  return { job, expected: blsChecks.map(({ message: [first] }) => first === 0) }
}

function brokenWorker(): Worker {
  return new Worker('throw new Error("broken")', { eval: true })
}

describe('signature threads', () => {
  test('replace a worker that dies, and do its batches again', async () => {
    const { threads, workers, faults } = threadsOf(startSignatureWorker)
    await verify(threads)
    assert.equal(workers.length, 2)
    const pending = [verify(threads), verify(threads)]
    await workers[0]?.terminate()
    assert.deepEqual(await Promise.all(pending), [verdicts, verdicts], `seed ${seed}`)
    assert.equal(faults.length, 1)
    assert.equal(workers.length, 3)
    await threads.stop()
  })

  test('do BLS batches of a worker that dies again, with the same verdicts', async () => {
    const { threads, workers, faults } = threadsOf(startSignatureWorker)
    const { job, expected } = verifyBls(threads)
    await workers[0]?.terminate()
    assert.deepEqual(await job.done, expected)
    assert.equal(faults.length, 1)
    await threads.stop()
  })

  test('live through a worker that breaks before its first batch', async () => {
    const { threads, faults } = threadsOf((count) => (count === 0 ? brokenWorker() : startSignatureWorker()))
    assert.deepEqual(await verify(threads), verdicts, `seed ${seed}`)
    assert.deepEqual(
      faults.map(({ message }) => message),
      ['broken']
    )
    await threads.stop()
  })

  test('count deaths anew after each batch that was verified', async () => {
    const { threads, workers, faults } = threadsOf(startSignatureWorker)
    for (let death = 1; death <= 4; death++) {
      assert.deepEqual(await verify(threads), verdicts, `seed ${seed}`)
      const pending = verify(threads)
      await workers.at(-1)?.terminate()
      assert.deepEqual(await pending, verdicts, `seed ${seed}`)
      assert.equal(faults.length, death)
    }
    assert.equal(workers.length, 2 + 4, 'each was replaced')
    await threads.stop()
    assert.ok(workers.every(({ threadId }) => threadId === -1))
  })

  test('stop starting workers when none of them lives, and verify without', async () => {
    const { threads, workers, faults } = threadsOf(brokenWorker)
    assert.deepEqual(await verify(threads), verdicts, `seed ${seed}`)
    assert.deepEqual(await verify(threads), verdicts, `seed ${seed}`)
    assert.ok(workers.length <= 4, `${workers.length} workers`)
    assert.ok(faults.length >= 3)
    await threads.stop()
  })

  test('start no worker before there is work', async () => {
    const { threads, workers } = threadsOf(startSignatureWorker)
    await threads.stop()
    assert.equal(workers.length, 0)
  })
})
