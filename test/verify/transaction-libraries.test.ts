import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeGenesis } from '../../src/consensus/genesis.ts'
import { fromHex } from '../../src/runtime/hex.ts'
import { portableFastAggregateVerify } from '../../src/verify/bls-portable.ts'
import type { BlsVerifier } from '../../src/verify/bls-verifier.ts'
import { portableVerify } from '../../src/verify/ed25519-portable.ts'
import { acquireSignaturePool } from '../../src/verify/signature-pool.ts'
import type { SignatureVerifier } from '../../src/verify/signature-verifier.ts'
import { createTransactionVerifier } from '../../src/verify/transaction-verifier.ts'
import { vectorsUrl } from '../protocols/make-vectors.ts'
import type * as Files from '../protocols/vectors/files.ts'
import { BLOCK_AUTHOR, brokenTransactions, four, sampleBytes } from './transaction-samples.ts'

async function read<T>(name: string): Promise<T> {
  return JSON.parse(await readFile(new URL(`${name}.json`, vectorsUrl), 'utf8')) as T
}

/** Every signature in JavaScript, one by one. */
const portable: SignatureVerifier & BlsVerifier = {
  verify: async (checks) =>
    checks.map(({ publicKey, signature, prefix, payload }) =>
      portableVerify(publicKey, Buffer.concat([prefix, payload]), signature)
    ),
  verifyBls: async (checks) =>
    checks.map(({ publicKeys, message, signature }) => portableFastAggregateVerify(publicKeys, message, signature))
}

test('native libraries and JavaScript give the same verdict and reason on any block', async () => {
  const { chainId, committee } = four
  const pool = acquireSignaturePool({ workers: 2 })
  const bases = [...[0, 1, 2].map(sampleBytes), ...Object.values(brokenTransactions).map(({ bytes }) => bytes)]
  const flipped = fc.tuple(fc.constantFrom(...[0, 1, 2].map(sampleBytes)), fc.nat()).map(([bytes, at]) => {
    const index = (at >> 3) % bytes.byteLength
    return bytes.with(index, (bytes[index] ?? 0) ^ (1 << (at & 7)))
  })
  const block = fc.array(fc.oneof({ weight: 2, arbitrary: fc.constantFrom(...bases) }, flipped), { maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(block, async (transactions) => {
      const [native, slow] = await Promise.all(
        [pool, portable].map((signatures) =>
          createTransactionVerifier({ chainId, signatures }).verify(transactions, committee, { author: BLOCK_AUTHOR })
        )
      )
      assert.deepEqual(native, slow)
    }),
    { numRuns: 40 }
  )
  await pool.release()
})

test('both accept the published vectors of this protocol, and refuse the invalid ones', async () => {
  const { genesis } = await read<Files.Genesis>('genesis')
  const { chainId, committee } = decodeGenesis(fromHex(genesis.bytes))
  const { certified, end_of_publish, block_author, invalid } = await read<Files.Transactions>('transactions')
  const pool = acquireSignaturePool({ workers: 1 })
  for (const signatures of [pool, portable]) {
    const verifier = createTransactionVerifier({ chainId, signatures })
    const verify = (bytes: string) => verifier.verify([fromHex(bytes)], committee, { author: block_author })
    assert.equal(await verify(certified.bytes), undefined)
    assert.equal(await verify(end_of_publish.bytes), undefined)
    for (const { what, bytes } of invalid) assert.ok((await verify(bytes)) !== undefined, what)
  }
  await pool.release()
})
