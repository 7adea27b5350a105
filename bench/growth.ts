import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { toHex } from '../src/index.ts'
import { type BenchChain, makeBenchChain } from './bench-chain.ts'
import { startChild } from './child.ts'
import { type BenchContext, type Figure, figureBeside, type Goal } from './figure.ts'
import type { Fare, GrowingNodeOptions, Started, UpTo } from './growing-node.ts'

/** Blocks of 500 bytes, and what their references add. */
const BLOCKS = { validators: 4, transactions: 1, transactionBytes: 500 }
/** A network key of no validator. */
const FULL_NODE = 99
/** How much more the longest chain may cost. */
export const MOST_GROWTH = 1.2
const FLAT: Goal = { most: MOST_GROWTH }
const MIB = 2 ** 20

/** What one catch-up with a chain of a length, and the restart after it, took. */
interface Grown {
  readonly commits: number
  readonly syncing: Fare
  readonly serving: Fare
  readonly restartMs: number
}

const MEASURES: readonly { what: string; unit: string; goal?: Goal; of: (grown: Grown) => number | undefined }[] = [
  { what: 'syncing', unit: 'us a commit', goal: FLAT, of: ({ syncing, commits }) => (syncing.seconds * 1e6) / commits },
  {
    what: 'syncing',
    unit: 'us of CPU a commit',
    goal: FLAT,
    of: ({ syncing, commits }) => (syncing.cpuSeconds * 1e6) / commits
  },
  { what: 'syncing', unit: 'MiB resident', goal: FLAT, of: ({ syncing }) => syncing.rssBytes / MIB },
  {
    what: 'syncing',
    unit: 'MiB without mapped files',
    of: ({ syncing }) => syncing.ownBytes && syncing.ownBytes / MIB
  },
  { what: 'syncing', unit: 'open handles', of: ({ syncing }) => syncing.handles },
  {
    what: 'serving',
    unit: 'us of CPU a commit',
    goal: FLAT,
    of: ({ serving, commits }) => (serving.cpuSeconds * 1e6) / commits
  },
  { what: 'serving', unit: 'MiB resident', goal: FLAT, of: ({ serving }) => serving.rssBytes / MIB },
  {
    what: 'serving',
    unit: 'MiB without mapped files',
    of: ({ serving }) => serving.ownBytes && serving.ownBytes / MIB
  },
  { what: 'serving', unit: 'open handles', of: ({ serving }) => serving.handles },
  { what: 'restart', unit: 'ms', of: ({ restartMs }) => restartMs }
]

/** What a commit costs, and what memory and handles a node has, with chains of 10,000, 50,000 and 200,000 commits: for a node that syncs, one that serves it, and a restart. */
export async function benchGrowth({ directory, runs, smoke, log }: BenchContext): Promise<Figure[]> {
  const lengths = smoke ? [500, 1_000] : [10_000, 50_000, 200_000]
  /** Of each catch-up the first commits do not count: connections, and the compiler. */
  const first = smoke ? 100 : 2_000
  const longest = Math.max(...lengths)
  log(`making a chain of ${longest} commits`)
  const chain = await makeBenchChain(directory, { commits: longest, ...BLOCKS, lengths })
  const grown = lengths.map((length) => ({ length, runs: [] as Grown[] }))
  for (let run = 1; run <= runs; run++) {
    for (const { length, runs: found } of grown) {
      const one = await grow(chain, directory, { length, first })
      found.push(one)
      const told = MEASURES.map(({ what, unit, of }) => `${what} ${of(one)?.toFixed(0)} ${unit}`)
      log(`run ${run} of ${runs}, ${length} commits: ${told.join(', ')}`)
    }
  }
  const [least, ...larger] = grown
  if (least === undefined) return []
  const figures = MEASURES.flatMap(({ what, unit, goal, of }) => {
    const valuesOf = (found: readonly Grown[]) => found.flatMap((one) => of(one) ?? [])
    const againstValues = valuesOf(least.runs)
    if (againstValues.length === 0) return [] // the system does not tell
    return larger.map(({ length, runs: found }) =>
      figureBeside({
        benchmark: 'growth',
        case: `${what}, ${length} commits`,
        unit,
        values: valuesOf(found),
        against: `${least.length} commits`,
        againstValues,
        goal
      })
    )
  })
  const restart = {
    benchmark: 'growth',
    case: `restart, ${longest} commits`,
    unit: 'ms',
    values: larger.at(-1)?.runs.map(({ restartMs }) => restartMs) ?? []
  }
  return [...figures, figureBeside({ ...restart, against: 'a second, ms', againstValues: [1_000], goal: { most: 1 } })]
}

async function grow(chain: BenchChain, directory: string, settings: { length: number; first: number }): Promise<Grown> {
  const { length, first } = settings
  const stores = { server: await chain.copy(`server-${length}`, length), client: join(directory, `client-${length}`) }
  const start = (store: string, validator: number, servers: string[] = []) => {
    const options: GrowingNodeOptions = { genesis: toHex(chain.genesis.bytes), store, validator, servers }
    return startChild('growing-node.ts', options, { plain: true })
  }
  try {
    const measured = await (async () => {
      await using server = start(stores.server, 0)
      const { address } = await server.message<Started>()
      await using client = start(stores.client, FULL_NODE, [address])
      await client.message<Started>()
      const fareUpTo = async (commit: number) => {
        client.process.send({ commit } satisfies UpTo)
        const syncing = await client.message<Fare>()
        server.process.send({ commit: 0 } satisfies UpTo)
        return { syncing, serving: await server.message<Fare>() }
      }
      await fareUpTo(first)
      return await fareUpTo(length)
    })()
    await using again = start(stores.client, FULL_NODE)
    return { commits: length - first, ...measured, restartMs: (await again.message<Started>()).milliseconds }
  } finally {
    for (const store of Object.values(stores)) await rm(store, { recursive: true, force: true })
  }
}
