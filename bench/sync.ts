import { availableParallelism } from 'node:os'
import { type BenchChain, makeBenchChain } from './bench-chain.ts'
import { type BlockCosts, machineLimit, measureBlockCosts, naiveRate } from './block-costs.ts'
import { catchUp } from './catch-up.ts'
import { type BenchContext, type Figure, median } from './figure.ts'
import { signatureLimit } from './signature-limit.ts'

/** Blocks of about 4 kB: ten transactions of 400 bytes. */
const BLOCKS_OF_4_KB = { validators: 4, transactions: 10, transactionBytes: 400 }
const SERVERS = 3

type Mode = 'full' | 'certified'

/** A new node catches up from three serving processes with every block's signature verified, beside what the machine could do at most. */
export const benchSyncFull = (context: BenchContext): Promise<Figure[]> => benchSync(context, 'full')

/** The same, trusting what a quorum certified. */
export const benchSyncCertified = (context: BenchContext): Promise<Figure[]> => benchSync(context, 'certified')

async function benchSync({ directory, runs, smoke, log }: BenchContext, mode: Mode): Promise<Figure[]> {
  const commits = smoke ? 200 : 20_000
  log(`making a chain of ${commits} commits`)
  const chain = await makeBenchChain(directory, { commits, ...BLOCKS_OF_4_KB })
  for (let validator = 0; validator < SERVERS; validator++) await chain.copy(`server-${validator}`)
  const measured = {
    blocks: [] as number[],
    commits: [] as number[],
    limit: [] as number[],
    signatures: [] as number[]
  }
  const naive: number[] = []
  for (let run = 1; run <= runs; run++) {
    const before = await limitOf(chain, directory, mode)
    const { blocks, seconds, cpuSeconds } = await catchUp(chain, directory, { peers: SERVERS, name: `${run}`, mode })
    const after = await limitOf(chain, directory, mode)
    const limit = (before.limit + after.limit) / 2
    measured.blocks.push(blocks / seconds)
    measured.commits.push(commits / seconds)
    measured.limit.push(limit)
    if (mode === 'full') {
      measured.signatures.push(await signatureLimit(chain))
      naive.push(naiveRate(chain))
    }
    const used = ((cpuSeconds / blocks) * 1e6).toFixed(0)
    log(
      `run ${run} of ${runs}: ${(blocks / seconds).toFixed(0)} blocks/s; ${used} us of the node's CPU a block, of ${microseconds(after.costs)}`
    )
  }
  const benchmark = `sync-${mode}`
  const rate = { benchmark, case: `${SERVERS} servers`, ...medianOf(measured.blocks), unit: 'blocks/s' }
  const beside = (against: string, values: readonly number[]) => {
    const againstValue = median(values)
    return { against, againstValue, ratio: rate.value / againstValue }
  }
  const perCommit = chain.blocks / commits
  const figures: Figure[] = [
    { ...rate, ...beside('what this machine can do at most', measured.limit), goal: { least: 0.75 } },
    {
      ...rate,
      ...medianOf(measured.commits),
      unit: 'commits/s',
      against: 'what this machine can do at most',
      againstValue: median(measured.limit) / perCommit,
      ratio: rate.value / median(measured.limit)
    }
  ]
  if (mode === 'certified') return figures
  return [
    ...figures,
    { ...rate, ...beside('native signatures alone, on all cores', measured.signatures) },
    { ...rate, ...beside('noble on one thread', naive), goal: { least: 20 } }
  ]
}

async function limitOf(
  chain: BenchChain,
  directory: string,
  mode: Mode
): Promise<{ costs: BlockCosts; limit: number }> {
  const costs = await measureBlockCosts(chain, directory)
  return { costs, limit: machineLimit(costs, availableParallelism(), { signatures: mode === 'full' }) }
}

function medianOf(values: readonly number[]): { value: number; spread: readonly [number, number] } {
  return { value: median(values), spread: [Math.min(...values), Math.max(...values)] }
}

function microseconds(costs: BlockCosts): string {
  return Object.entries(costs)
    .map(([part, seconds]) => `${part} ${(seconds * 1e6).toFixed(1)}`)
    .join(', ')
}
