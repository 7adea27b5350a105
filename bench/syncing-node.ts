import { createNode, fromHex } from '../src/index.ts'
import { childOptions } from './child.ts'

/** A process that catches up with an empty store, and tells how it went. */
export interface SyncingNodeOptions {
  readonly genesis: string
  readonly store: string
  /** The servers, connected to from the start. */
  readonly servers: readonly string[]
  readonly commits: number
  readonly verification: 'full' | 'certified'
}

/** How it went. */
export interface CatchUp {
  /** From the start of the node, before it has dialled anyone, to the last commit stored. */
  readonly seconds: number
  readonly commits: number
  readonly blocks: number
  readonly bytes: number
  /** CPU seconds of the process in that time, all threads. */
  readonly cpuSeconds: number
  /** Largest resident set, in bytes, of the whole run. */
  readonly peakRssBytes: number
}

const { genesis, store, servers, commits, verification } = childOptions<SyncingNodeOptions>()
const node = await createNode({ genesis: fromHex(genesis), store, configured: [...servers], verification })
const begun = performance.now()
const cpu = process.cpuUsage()
await node.start()
for await (const _ of node.subscribe({ from: commits })) break
const { synced } = await node.status()
const used = process.cpuUsage(cpu)
const result: CatchUp = {
  seconds: (performance.now() - begun) / 1_000,
  commits: synced.commits,
  blocks: synced.blocks,
  bytes: synced.bytes,
  cpuSeconds: (used.user + used.system) / 1e6,
  peakRssBytes: process.resourceUsage().maxRSS * 1024
}
process.send?.(result)
