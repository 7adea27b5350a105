import { availableParallelism } from 'node:os'
import parallel from 'it-parallel'
import {
  acquireSignaturePool,
  type CertifiedTransaction,
  type Committee,
  createTransactionVerifier,
  type TransactionVerifier
} from '../src/index.ts'
import {
  type BuiltGenesis,
  buildGenesis,
  deriveValidatorKeys,
  encodeCertified,
  TransactionSigner
} from '../src/testing/index.ts'
import { type BenchContext, type Figure, median } from './figure.ts'
import { nativeTransactionLimit } from './transactions-limit.ts'

/** Blocks verified at a time, as by the block verifier. */
const BLOCKS_AT_A_TIME = 16
const PAYLOAD_BYTES = 200
const CASES = [
  { validators: 4, perBlock: 10 },
  { validators: 4, perBlock: 100 },
  { validators: 100, perBlock: 100 }
]

/** Certified transactions verified through the verifier, as they come and when they come again, beside the bare signatures on all cores. */
export async function benchTransactions({ runs, smoke, log }: BenchContext): Promise<Figure[]> {
  const count = smoke ? 200 : 8_000
  const figures: Figure[] = []
  for (const { validators, perBlock } of CASES) {
    log(`making ${count} transactions certified by ${validators} validators, ${perBlock} a block`)
    const built = committeeOf(validators)
    const certified = makeTransactions(built, count)
    const encoded = certified.map(encodeCertified)
    const blocks = Array.from({ length: Math.ceil(count / perBlock) }, (_, index) =>
      encoded.slice(index * perBlock, (index + 1) * perBlock)
    )
    const measured = { fresh: [] as number[], again: [] as number[], limit: [] as number[] }
    for (let run = 1; run <= runs; run++) {
      log(`run ${run} of ${runs}`)
      measured.limit.push(await nativeTransactionLimit(certified, built.genesis))
      const { fresh, again } = await verifyTwice(built, blocks)
      measured.fresh.push(fresh)
      measured.again.push(again)
    }
    const againstValue = median(measured.limit)
    for (const [what, rates] of [
      ['', measured.fresh],
      [', again', measured.again]
    ] as const) {
      const value = median(rates)
      figures.push({
        benchmark: 'transactions',
        case: `${validators} validators, ${perBlock} a block${what}`,
        value,
        unit: 'transactions/s',
        spread: [Math.min(...rates), Math.max(...rates)],
        against: 'native signatures on all cores',
        againstValue,
        ratio: value / againstValue
      })
    }
  }
  return figures
}

function committeeOf(validators: number): BuiltGenesis {
  return buildGenesis({
    validators: Array.from({ length: validators }, (_, index) => ({ keys: deriveValidatorKeys(1, index) })),
    startTimeMs: Date.UTC(2026, 0, 1)
  })
}

function makeTransactions({ genesis, keys }: BuiltGenesis, count: number): CertifiedTransaction[] {
  const signer = new TransactionSigner({ ...genesis, keys })
  return Array.from({ length: count }, (_, index) => {
    const payload = new Uint8Array(PAYLOAD_BYTES)
    new DataView(payload.buffer).setUint32(0, index)
    return signer.sign(new Uint8Array(32).fill(index % 50), payload)
  })
}

async function verifyTwice({ genesis }: BuiltGenesis, blocks: readonly Uint8Array[][]) {
  const { chainId, committee } = genesis
  const pool = acquireSignaturePool({ workers: availableParallelism() })
  try {
    const warm = createTransactionVerifier({ chainId, signatures: pool })
    await verifyAll(warm, blocks.slice(0, BLOCKS_AT_A_TIME), committee) // the threads are up and know the keys
    const verifier = createTransactionVerifier({ chainId, signatures: pool })
    const fresh = await verifyAll(verifier, blocks, committee)
    const again = await verifyAll(verifier, blocks, committee)
    return { fresh, again }
  } finally {
    await pool.release()
  }
}

/** @returns transactions a second */
async function verifyAll(verifier: TransactionVerifier, blocks: readonly Uint8Array[][], committee: Committee) {
  const begun = performance.now()
  const jobs = blocks.map((block) => () => verifier.verify(block, committee))
  for await (const invalid of parallel(jobs, { ordered: true, concurrency: BLOCKS_AT_A_TIME })) {
    if (invalid !== undefined) throw new Error(`transaction ${invalid.index} ${invalid.reason}`)
  }
  const seconds = (performance.now() - begun) / 1_000
  return blocks.reduce((sum, block) => sum + block.length, 0) / seconds
}
