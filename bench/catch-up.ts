import { join } from 'node:path'
import { toHex } from '../src/index.ts'
import type { BenchChain } from './bench-chain.ts'
import { startChild } from './child.ts'
import type { CatchUp, SyncingNodeOptions } from './syncing-node.ts'

/** How a catch-up is run. */
export interface CatchUpSettings {
  /** Serving processes. */
  readonly peers: number
  /** Tells its store from those of others. */
  readonly name: string
  /** @default 'full' */
  readonly mode?: SyncingNodeOptions['verification']
  /** Without V8 settings, as an embedder's process is. @default false */
  readonly plain?: boolean
}

/** One catch-up of a new node, in a process of its own, from so many serving processes. */
export async function catchUp(
  chain: BenchChain,
  directory: string,
  { peers, name, mode = 'full', plain = false }: CatchUpSettings
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
    { genesis, store, seeds, commits: chain.options.commits, verification: mode } satisfies SyncingNodeOptions,
    { plain }
  )
  return await client.message<CatchUp>()
}
