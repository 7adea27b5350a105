import { availableParallelism } from 'node:os'
import { intentPrefix } from '../src/consensus/intent.ts'
import { blockPayload, blockSignature } from '../src/consensus/signed-block.ts'
import { acquireSignaturePool, type SignatureCheck } from '../src/index.ts'
import { ScriptedConsensus } from '../src/testing/index.ts'
import type { BenchChain } from './bench-chain.ts'

/** Commits whose blocks are verified: enough to last some seconds, few enough to hold in memory. */
const SAMPLE_COMMITS = 1_000

/** Ed25519 signatures of the chain's own blocks verified a second, natively, on all cores. */
export async function signatureLimit(chain: BenchChain): Promise<number> {
  const { genesis, keys, options } = chain
  const prefix = intentPrefix('block', genesis.chainId)
  const consensus = new ScriptedConsensus({ genesis, keys, seed: 1, ...options })
  const commits = Array.from({ length: SAMPLE_COMMITS }, () => consensus.nextCommit())
  const checks: SignatureCheck[] = commits.flatMap(({ subDag }) =>
    subDag.blocks.map(({ ref, bytes }) => ({
      publicKey: genesis.committee.validators[ref.author]?.protocolKey ?? new Uint8Array(32),
      signature: blockSignature(bytes),
      prefix,
      payload: blockPayload(bytes)
    }))
  )
  const pool = await acquireSignaturePool({ workers: availableParallelism() })
  await pool.verify(checks.slice(0, 100)) // the threads are up
  const begun = performance.now()
  const batches = Array.from({ length: Math.ceil(checks.length / 256) }, (_, i) => checks.slice(i * 256, (i + 1) * 256))
  const results = await Promise.all(batches.map((batch) => pool.verify(batch)))
  const seconds = (performance.now() - begun) / 1_000
  await pool.release()
  if (results.flat().includes(false)) throw new Error('a signature of the chain does not verify')
  return checks.length / seconds
}
