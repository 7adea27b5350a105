import { createNode, fromHex } from '../src/index.ts'
import { deriveValidatorKeys, networkPrivateKey } from '../src/testing/index.ts'
import { childOptions } from './child.ts'

/** A process that serves a chain. It tells its address once it listens. */
export interface ServingNodeOptions {
  readonly genesis: string
  readonly store: string
  readonly validator: number
}

const { genesis, store, validator } = childOptions<ServingNodeOptions>()
const bytes = fromHex(genesis)
const node = await createNode({
  genesis: bytes,
  store,
  privateKey: await networkPrivateKey(deriveValidatorKeys(1, validator)),
  config: { signatureWorkers: 0 }
})
await node.start()
process.send?.({ address: node.addresses()[0] })
