import { GoodPeers } from '../../src/discovery/good-peers.ts'
import { createNode } from '../../src/node/create-node.ts'
import { fromHex } from '../../src/runtime/hex.ts'

/** What the parent process tells a node that it is going to kill. */
export interface RememberingNodeOptions {
  readonly genesis: string
  readonly directory: string
  readonly seeds: string[]
  /** Ids of the peers that it is to remember. */
  readonly expected: readonly string[]
}

const options = JSON.parse(process.argv[2] ?? '{}') as RememberingNodeOptions
process.on('disconnect', () => process.exit(1))

const node = await createNode({
  genesis: fromHex(options.genesis),
  store: options.directory,
  seeds: options.seeds,
  config: { signatureWorkers: 0, discoveryIntervalMs: 50, privateNetwork: true }
})
await node.start()

async function isEveryoneRemembered(): Promise<boolean> {
  const peers = new GoodPeers()
  peers.decode((await node.store.getRecord('discovery/good-peers')) ?? new Uint8Array())
  const remembered = new Set(peers.list().map(({ peerId }) => peerId.toString()))
  return options.expected.every((peerId) => remembered.has(peerId))
}

while (!(await isEveryoneRemembered())) {
  await new Promise((resolve) => setTimeout(resolve, 20))
}
process.send?.('remembered')
