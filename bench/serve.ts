import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { toHex } from '../src/index.ts'
import { type BenchChain, makeBenchChain } from './bench-chain.ts'
import { canPin, startChild } from './child.ts'
import { type BenchContext, type Figure, median } from './figure.ts'
import type { GreedyClientsOptions, Loot } from './greedy-clients.ts'
import type { ServingEffort } from './serving-node.ts'

/** Blocks of about 4 kB: ten transactions of 400 bytes. */
const BLOCKS_OF_4_KB = { validators: 4, transactions: 10, transactionBytes: 400 }

interface Served {
  readonly blocksPerSecond: number
  /** What a block costs the server and the clients, in microseconds of CPU. */
  readonly serverMicroseconds: number
  readonly clientMicroseconds: number
  /** What the client that got least got, as a part of the mean. */
  readonly leastShare: number
  readonly effort: ServingEffort
  readonly refused: number
  readonly torn: number
}

/** One server and 1, 10 and 50 peers that fetch from it all the time, on another core: what it serves in all, and what that costs it. */
export async function benchServe({ directory, runs, smoke, log }: BenchContext): Promise<Figure[]> {
  const crowds = smoke ? [1, 3] : [1, 10, 50]
  const isPinned = availableParallelism() > 1 && canPin()
  if (!isPinned) log('clients and server share the cores: the processes cannot be pinned')
  const chain = await makeBenchChain(directory, { commits: smoke ? 200 : 5_000, ...BLOCKS_OF_4_KB })
  await chain.copy('server-0')
  const measured = new Map<number, Served[]>(crowds.map((clients) => [clients, []]))
  for (let run = 1; run <= runs; run++) {
    for (const [clients, served] of measured) {
      const found = await serve(chain, directory, { clients, isPinned, milliseconds: smoke ? 500 : 10_000 })
      served.push(found)
      const { loopDelayMs, peakRssBytes } = found.effort
      log(
        `run ${run} of ${runs}, ${clients} clients: ${found.blocksPerSecond.toFixed(0)} blocks/s, least share ${found.leastShare.toFixed(2)}, ` +
          `loop delay ${loopDelayMs.p99.toFixed(0)} ms (highest ${loopDelayMs.max.toFixed(0)}), ${found.serverMicroseconds.toFixed(0)} us of CPU a block (${found.clientMicroseconds.toFixed(0)} for the clients), ` +
          `${(peakRssBytes / 2 ** 20).toFixed(0)} MiB, ${found.refused} put off, ${found.torn} torn`
      )
    }
  }
  const best = Math.max(...[...measured.values()].map((served) => median(served.map((one) => one.blocksPerSecond))))
  const one = measured.get(1) ?? []
  return [...measured].flatMap(([clients, served]) => {
    const figure = (unit: string, of: (served: Served) => number) => {
      const values = served.map(of)
      const spread = [Math.min(...values), Math.max(...values)] as const
      return { benchmark: 'serve', case: `${clients} clients`, value: median(values), unit, spread }
    }
    const beside = (value: number, against: string, againstValue: number) => ({
      against,
      againstValue,
      ratio: value / againstValue
    })
    const total = figure('blocks/s', ({ blocksPerSecond }) => blocksPerSecond)
    const memory = figure('MiB at most', ({ effort }) => effort.peakRssBytes / 2 ** 20)
    const delay = figure('ms event loop delay, 99th percentile', ({ effort }) => effort.loopDelayMs.p99)
    const cost = figure('us of CPU a block', ({ serverMicroseconds }) => serverMicroseconds)
    const share = figure('% of the mean for who gets least', ({ leastShare }) => 100 * leastShare)
    return [
      { ...total, ...beside(total.value, 'the best of these', best), goal: { least: 0.8 } },
      {
        ...memory,
        ...beside(memory.value, '1 client', median(one.map(({ effort }) => effort.peakRssBytes / 2 ** 20)))
      },
      { ...delay, ...beside(delay.value, 'at most, ms', 50), goal: { most: 1 } },
      { ...cost, ...beside(cost.value, 'the clients', median(served.map((one) => one.clientMicroseconds))) },
      { ...share, ...beside(share.value, 'the mean', 100) }
    ]
  })
}

async function serve(
  chain: BenchChain,
  directory: string,
  settings: { readonly clients: number; readonly isPinned: boolean; readonly milliseconds: number }
): Promise<Served> {
  const { clients, isPinned, milliseconds } = settings
  const serving = { genesis: toHex(chain.genesis.bytes), store: join(directory, 'server-0'), validator: 0 }
  await using server = startChild('serving-node.ts', serving, { core: isPinned ? 0 : undefined })
  const { address } = await server.message<{ address: string }>()
  const { commits } = chain.options
  await using crowd = startChild(
    'greedy-clients.ts',
    { chainId: toHex(chain.genesis.chainId), address, clients, commits } satisfies GreedyClientsOptions,
    { core: isPinned ? 1 : undefined }
  )
  await crowd.message()
  crowd.process.send(milliseconds / 5) // the server's code is compiled, and what it reads is in memory
  await crowd.message<Loot>()
  server.process.send('begin')
  await server.message<ServingEffort>()
  crowd.process.send(milliseconds)
  const { blocks, seconds, cpuSeconds, refused, torn } = await crowd.message<Loot>()
  server.process.send('end')
  const effort = await server.message<ServingEffort>()
  const total = blocks.reduce((sum, count) => sum + count, 0)
  return {
    blocksPerSecond: total / seconds,
    serverMicroseconds: (effort.cpuSeconds * 1e6) / total,
    clientMicroseconds: (cpuSeconds * 1e6) / total,
    leastShare: (Math.min(...blocks) * clients) / total,
    effort,
    refused,
    torn
  }
}
