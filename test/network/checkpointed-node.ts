import { createNode } from '../../src/node/create-node.ts'
import { fromHex } from '../../src/runtime/hex.ts'

/** What the parent process tells a node that begins at a checkpoint and is going to be killed. */
export interface CheckpointedNodeOptions {
  readonly genesis: string
  readonly directory: string
  readonly seeds: readonly string[]
  readonly checkpoint: { readonly index: number; readonly digest: string; readonly committee: string }
}

const options = JSON.parse(process.argv[2] ?? '{}') as CheckpointedNodeOptions
process.on('disconnect', () => process.exit(1))
process.send?.('opening')
const { index, digest, committee } = options.checkpoint
const node = await createNode({
  genesis: fromHex(options.genesis),
  store: options.directory,
  checkpoint: { commit: { index, digest: fromHex(digest) }, committee: fromHex(committee) },
  seeds: [...options.seeds],
  config: { signatureWorkers: 0, discoveryIntervalMs: 100, privateNetwork: true, commitsPerRange: 5 }
})
await node.start()
