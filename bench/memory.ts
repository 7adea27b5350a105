import { join } from 'node:path'
import { makeBenchChain } from './bench-chain.ts'
import { catchUp } from './catch-up.ts'
import { type BenchContext, type Figure, median } from './figure.ts'

const SMALL_BLOCKS = { validators: 4, transactions: 2, transactionBytes: 200 }

/** Peak memory of a node that syncs a chain, beside that of one four times as long: it should not grow. */
export async function benchMemory({ directory, runs, smoke, log }: BenchContext): Promise<Figure[]> {
  const lengths = smoke ? [100, 400] : [10_000, 40_000]
  const peaks: number[][] = []
  for (const commits of lengths) {
    log(`making a chain of ${commits} commits`)
    const place = join(directory, String(commits))
    const chain = await makeBenchChain(place, { commits, ...SMALL_BLOCKS })
    await chain.copy('server-0')
    const found: number[] = []
    for (let run = 1; run <= runs; run++) {
      log(`run ${run} of ${runs}`)
      found.push((await catchUp(chain, place, { peers: 1, name: `run-${run}`, plain: true })).peakRssBytes / 2 ** 20)
    }
    peaks.push(found)
  }
  const [short = [], long = []] = peaks
  const value = median(long)
  const againstValue = median(short)
  const spread = [Math.min(...long), Math.max(...long)] as const
  const against = `peak of ${lengths[0]} commits`
  return [
    {
      benchmark: 'memory',
      case: `${lengths[1]} commits`,
      value,
      unit: 'MiB',
      spread,
      against,
      againstValue,
      ratio: value / againstValue,
      goal: { most: 1.3 }
    }
  ]
}
