import { join } from 'node:path'
import { toHex } from '../src/index.ts'
import type { LinkCondition } from '../src/testing/index.ts'
import type { BenchChain } from './bench-chain.ts'
import { startChild } from './child.ts'
import { linkBefore } from './link-before.ts'
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
  /** Up to which commit. @default the last */
  readonly commits?: number
  /** What the way to each server is like. @default the loopback */
  readonly link?: LinkCondition
}

/** One catch-up of a new node, in a process of its own, from so many serving processes. */
export async function catchUp(
  chain: BenchChain,
  directory: string,
  { peers, name, mode = 'full', plain = false, commits = chain.options.commits, link }: CatchUpSettings
): Promise<CatchUp> {
  const genesis = toHex(chain.genesis.bytes)
  await using servers = new AsyncDisposableStack()
  const addresses: string[] = []
  for (let validator = 0; validator < peers; validator++) {
    const store = join(directory, `server-${validator}`)
    const child = servers.use(startChild('serving-node.ts', { genesis, store, validator }))
    const { address } = await child.message<{ address: string }>()
    if (link === undefined) {
      addresses.push(address)
      continue
    }
    const before = await linkBefore(address, link)
    servers.defer(() => before.proxy.stop())
    addresses.push(before.address)
  }
  const store = join(directory, `client-${name}`)
  await using client = startChild(
    'syncing-node.ts',
    { genesis, store, servers: addresses, commits, verification: mode } satisfies SyncingNodeOptions,
    { plain }
  )
  return await client.message<CatchUp>()
}
