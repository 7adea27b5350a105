import { rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { makeBenchChain } from './bench-chain.ts'
import { machineLimit, measureBlockCosts } from './block-costs.ts'
import { catchUp } from './catch-up.ts'
import { type BenchContext, type Figure, figureBeside, median } from './figure.ts'

/** Blocks of 4 kB, and what their ancestors add: as many as validators. */
const BLOCKS = { transactions: 10, transactionBytes: 400 }

interface Measured {
  readonly validators: number
  readonly rates: number[]
  readonly limits: number[]
}

/** Catching up with committees of 4, 20, 50 and 100 validators, each beside what this machine can do at most with blocks of theirs, and their nearness to it beside each other. */
export async function benchCommittee({ directory, runs, smoke, log }: BenchContext): Promise<Figure[]> {
  const sizes = smoke ? [4, 7] : [4, 20, 50, 100]
  const servers = smoke ? 1 : 3
  const blocks = smoke ? 400 : 40_000
  const measured: Measured[] = []
  for (const validators of sizes) {
    const place = join(directory, String(validators))
    const commits = Math.ceil(blocks / validators)
    log(`making a chain of ${validators} validators, ${commits} commits`)
    const chain = await makeBenchChain(place, { commits, validators, ...BLOCKS })
    for (let server = 0; server < servers; server++) await chain.copy(`server-${server}`)
    const found: Measured = { validators, rates: [], limits: [] }
    measured.push(found)
    for (let run = 1; run <= runs; run++) {
      const limit = async () =>
        machineLimit(await measureBlockCosts(chain, place), availableParallelism(), { signatures: true })
      const before = await limit()
      const { blocks, seconds, cpuSeconds } = await catchUp(chain, place, { peers: servers, name: `run-${run}` })
      found.rates.push(blocks / seconds)
      found.limits.push((before + (await limit())) / 2)
      log(
        `run ${run} of ${runs}: ${(blocks / seconds).toFixed(0)} blocks/s of ${(chain.bytes / chain.blocks).toFixed(0)} bytes, ${((cpuSeconds / blocks) * 1e6).toFixed(0)} us of the node's CPU each; limit ${found.limits.at(-1)?.toFixed(0)}`
      )
    }
    await rm(place, { recursive: true, force: true })
  }
  const shares = measured.map(({ rates, limits }) =>
    rates.map((rate, run) => (100 * rate) / (limits[run] ?? Number.NaN))
  )
  const byShare = shares.toSorted((a, b) => median(a) - median(b))
  return [
    ...measured.map(({ validators, rates, limits }) =>
      figureBeside({
        benchmark: 'committee',
        case: `${validators} validators`,
        unit: 'blocks/s',
        values: rates,
        against: 'what this machine can do at most',
        againstValues: limits
      })
    ),
    figureBeside({
      benchmark: 'committee',
      case: 'the committee nearest to its limit',
      unit: '% of it',
      values: byShare.at(-1) ?? [],
      against: 'the committee farthest from its own',
      againstValues: byShare[0] ?? [],
      goal: { most: 1.3 }
    })
  ]
}
