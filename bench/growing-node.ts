import { readdirSync, readFileSync } from 'node:fs'
import { createNode, fromHex } from '../src/index.ts'
import { deriveValidatorKeys, networkPrivateKey } from '../src/testing/index.ts'
import { childOptions } from './child.ts'

/** A node that syncs, serves or only starts. It tells where it listens, and how it has fared since the last time with each message: once it has the commit named there, if any. */
export interface GrowingNodeOptions {
  readonly genesis: string
  readonly store: string
  /** Whose key it has. */
  readonly validator: number
  /** Whom it is connected to. */
  readonly servers: readonly string[]
}

/** The node has started. */
export interface Started {
  readonly address: string
  /** From its making to its being open to the network, in milliseconds: what a restart takes, but for loading the code. */
  readonly milliseconds: number
}

/** Which commit to wait for; 0 for none. */
export interface UpTo {
  readonly commit: number
}

/** How the process fared for a while. */
export interface Fare {
  readonly seconds: number
  /** CPU seconds, all threads. */
  readonly cpuSeconds: number
  /** Median resident set, in bytes. */
  readonly rssBytes: number
  /** Of it what is no mapped file, where the system tells: the database's files are mapped, and go when memory is short. */
  readonly ownBytes: number | undefined
  /** Sockets and files that are open at the end; where the system does not tell, what keeps Node's loop going. */
  readonly handles: number
}

const SAMPLE_MS = 50

const { genesis, store, validator, servers } = childOptions<GrowingNodeOptions>()
const begun = performance.now()
const node = await createNode({
  genesis: fromHex(genesis),
  store,
  privateKey: await networkPrivateKey(deriveValidatorKeys(1, validator)),
  configured: [...servers]
})
await node.start()
process.send?.({ address: node.addresses()[0] ?? '', milliseconds: performance.now() - begun } satisfies Started)

interface Sample {
  readonly rss: number
  readonly own: number | undefined
}
const samples: Sample[] = []
let since = performance.now()
let cpu = process.cpuUsage()

setInterval(() => samples.push({ rss: process.memoryUsage.rss(), own: ownBytes() }), SAMPLE_MS)
process.on('message', async ({ commit }: UpTo) => {
  if (commit > 0) for await (const _ of node.subscribe({ from: commit })) break
  const { user, system } = process.cpuUsage(cpu)
  const rss = samples.map((sample) => sample.rss)
  const own = samples.flatMap((sample) => sample.own ?? [])
  process.send?.({
    seconds: (performance.now() - since) / 1_000,
    cpuSeconds: (user + system) / 1e6,
    rssBytes: middle(rss) ?? process.memoryUsage.rss(),
    ownBytes: middle(own),
    handles: openHandles()
  } satisfies Fare)
  samples.length = 0
  since = performance.now()
  cpu = process.cpuUsage()
})

function middle(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
}

/** What Linux calls anonymous memory. */
function ownBytes(): number | undefined {
  if (process.platform !== 'linux') return undefined
  const found = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))
  return found === null ? undefined : Number(found[1]) * 1024
}

function openHandles(): number {
  return process.platform === 'linux' ? readdirSync('/proc/self/fd').length : process.getActiveResourcesInfo().length
}
