import { createNode, fromHex } from '../src/index.ts'
import { childOptions } from './child.ts'

/** A process that catches up with an empty store, and tells how it went. */
export interface SyncingNodeOptions {
  readonly genesis: string
  readonly store: string
  readonly seeds: readonly string[]
  readonly commits: number
}

/** How it went. */
export interface CatchUp {
  /** From the first commit stored to the last, so that the start of processes and dials does not count. */
  readonly seconds: number
  readonly commits: number
  readonly blocks: number
  readonly bytes: number
  /** CPU seconds of the process in that time, all threads. */
  readonly cpuSeconds: number
  /** Largest resident set, in bytes, of the whole run. */
  readonly peakRssBytes: number
}

const { genesis, store, seeds, commits } = childOptions<SyncingNodeOptions>()
const node = await createNode({ genesis: fromHex(genesis), store, seeds: [...seeds] })
await node.start()
for await (const _ of node.subscribe({ from: 1 })) break
const begun = performance.now()
const cpu = process.cpuUsage()
const before = (await node.status()).synced
for await (const _ of node.subscribe({ from: commits })) break
const { synced } = await node.status()
const used = process.cpuUsage(cpu)
const result: CatchUp = {
  seconds: (performance.now() - begun) / 1_000,
  commits: synced.commits - before.commits,
  blocks: synced.blocks - before.blocks,
  bytes: synced.bytes - before.bytes,
  cpuSeconds: (used.user + used.system) / 1e6,
  peakRssBytes: process.resourceUsage().maxRSS * 1024
}
process.send?.(result)
