// A node that keeps its chain in a store of one's own: node -C source examples/embedding/own-store/run.ts
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNode } from 'soma-p2p'
import { buildChain } from 'soma-p2p/testing'
import { SqliteStore } from './sqlite-store.ts'

const { genesis, commits } = buildChain({ commits: 200 })
const directory = await mkdtemp(join(tmpdir(), 'own-store-'))

// Somebody to sync from: a node whose consensus has come to commit 120 so far.
const peer = await createNode({ genesis })
await peer.start()
for (const commit of commits.slice(0, 120)) await peer.consensus.sendCommit(commit)

await run(120)
for (const commit of commits.slice(120)) await peer.consensus.sendCommit(commit)
await run(200)

await peer.stop()
await rm(directory, { recursive: true })

/** One life of a node: opens the store, syncs up to a commit, and stops. */
async function run(goal: number): Promise<void> {
  const store = new SqliteStore(join(directory, 'chain.sqlite'), { genesis })
  console.log(`opened at commit ${store.watermarks.highestSynced.index}`)
  const node = await createNode({ genesis, store, seeds: peer.addresses() })
  await node.start()
  for await (const { commit } of node.subscribe({ from: goal })) {
    console.log(`synced to commit ${commit.ref.index}`)
    break
  }
  await node.stop()
  await store.close() // a node closes the stores that it has opened itself, and no others
}
