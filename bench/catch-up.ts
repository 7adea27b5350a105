import { join } from 'node:path'
import { toHex } from '../src/index.ts'
import { type BenchChain, makeBenchChain } from './bench-chain.ts'
import { startChild } from './child.ts'
import type { BenchContext, Figure } from './figure.ts'
import { median } from './figure.ts'
import { signatureLimit, storeLimit, streamLimit } from './limits.ts'
import type { CatchUp } from './syncing-node.ts'

/** Blocks of about 4 kB: ten transactions of 400 bytes. */
const BLOCKS_OF_4_KB = { validators: 4, transactions: 10, transactionBytes: 400 }

/** One catch-up of a new node, in a process of its own, from so many serving processes. */
export async function catchUp(
  chain: BenchChain,
  directory: string,
  { peers, name, plain = false }: { peers: number; name: string; plain?: boolean }
): Promise<CatchUp> {
  const genesis = toHex(chain.genesis.bytes)
  await using servers = new AsyncDisposableStack()
  const seeds: string[] = []
  for (let validator = 0; validator < peers; validator++) {
    const store = join(directory, `server-${validator}`)
    const child = servers.use(startChild('serving-node.ts', { genesis, store, validator }))
    seeds.push((await child.message<{ address: string }>()).address)
  }
  const store = join(directory, `client-${name}`)
  await using client = startChild(
    'syncing-node.ts',
    { genesis, store, seeds, commits: chain.options.commits },
    { plain }
  )
  return await client.message<CatchUp>()
}

/** Catch-up from one and from three peers, beside the machine's limits measured in the same run. */
export async function benchCatchUp({ directory, runs, smoke, log }: BenchContext): Promise<Figure[]> {
  const commits = smoke ? 200 : 10_000
  log(`making a chain of ${commits} commits`)
  const chain = await makeBenchChain(directory, { commits, ...BLOCKS_OF_4_KB })
  for (let validator = 0; validator < 3; validator++) await chain.copy(`server-${validator}`)
  const measured = {
    one: [] as CatchUp[],
    three: [] as CatchUp[],
    signatures: [] as number[],
    stream: [] as number[],
    store: [] as number[]
  }
  for (let run = 1; run <= runs; run++) {
    log(`run ${run} of ${runs}`)
    measured.signatures.push(await signatureLimit(chain))
    measured.stream.push(await streamLimit())
    measured.store.push(await storeLimit(chain, directory))
    measured.one.push(await catchUp(chain, directory, { peers: 1, name: `one-${run}` }))
    measured.three.push(await catchUp(chain, directory, { peers: 3, name: `three-${run}` }))
  }
  const limits = [
    ['native signatures on all cores', median(measured.signatures)],
    ['durable store writes', median(measured.store)],
    ['raw stream', median(measured.stream) / (chain.bytes / chain.blocks)]
  ] as const
  return [['1 peer', measured.one] as const, ['3 peers', measured.three] as const].flatMap(([name, results]) => {
    const rates = results.map(({ blocks, seconds }) => blocks / seconds)
    const value = median(rates)
    return limits.map(([against, againstValue]) => ({
      benchmark: 'catch-up',
      case: name,
      value,
      unit: 'blocks/s',
      spread: [Math.min(...rates), Math.max(...rates)] as const,
      against,
      againstValue,
      ratio: value / againstValue
    }))
  })
}
