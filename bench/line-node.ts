import { createNode } from '../src/index.ts'
import { networkPrivateKey, ScriptedConsensus } from '../src/testing/index.ts'
import { childOptions } from './child.ts'
import { lineGenesis } from './line-genesis.ts'

/** A node of a line of nodes: connected to those beside it and to nobody else. It tells where it listens, and then when it has each commit. */
export interface LineNodeOptions {
  /** 0 is the validator. */
  readonly place: number
  /** The addresses of those that it dials. */
  readonly dials: readonly string[]
  /** Who may dial it: peer ids. */
  readonly allowed: readonly string[]
}

/** To the validator: hand in commits, one each so many milliseconds. */
export interface HandIn {
  readonly commits: number
  readonly intervalMs: number
}

/** A commit is handed in here (`sent`), or has come to whoever executes here. The time is the machine's monotonic one, in milliseconds. */
export interface Passing {
  readonly event: 'sent' | 'come'
  readonly index: number
  readonly atMs: number
}

const { place, dials, allowed } = childOptions<LineNodeOptions>()
const { genesis, keys, networkKeys } = lineGenesis()
const node = await createNode({
  genesis,
  privateKey: await networkPrivateKey(networkKeys(place)),
  configured: [...dials],
  allowlist: [...allowed],
  private: true,
  accessType: 'private',
  dht: false,
  config: { committeePeers: 0, signatureWorkers: 1 }
})
await node.start()
process.send?.({ address: node.addresses()[0] })

function tell(event: Passing['event'], index: number): void {
  const atMs = Number(process.hrtime.bigint() / 1_000n) / 1_000
  process.send?.({ event, index, atMs } satisfies Passing)
}

const consensus = new ScriptedConsensus({ genesis, keys, seed: 1 })
process.on('message', async ({ commits, intervalMs }: HandIn) => {
  for (let count = 0; count < commits; count++) {
    const next = new Promise((resolve) => setTimeout(resolve, intervalMs))
    const commit = consensus.nextCommit()
    tell('sent', commit.subDag.commit.ref.index)
    await node.consensus.sendCommit(commit)
    await next
  }
})
for await (const { commit } of node.subscribe({ name: 'executor' })) tell('come', commit.ref.index)
