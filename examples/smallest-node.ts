// A full node in a dozen lines: node -C source examples/smallest-node.ts GENESIS SEED...
import { readFile } from 'node:fs/promises'
import { createNode } from 'soma-p2p'

const [genesisFile = 'genesis.bin', ...seeds] = process.argv.slice(2)

const node = await createNode({ genesis: await readFile(genesisFile), store: 'chain', seeds })
await node.start()
process.once('SIGINT', () => node.stop())

// Every commit in order, from where this executor was when the process ended last. It ends when the node stops.
for await (const { commit, blocks } of node.subscribe({ name: 'executor' })) {
  console.log(`commit ${commit.ref.index}: ${blocks.length} blocks`)
}
