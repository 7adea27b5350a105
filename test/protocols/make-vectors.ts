/**
 * Makes the test vectors in `protocols/vectors`. They are frozen: what they hold is what other implementations have been tested against, so a change of
 * theirs is a change of the protocol.
 *
 * ```
 * node -C source test/protocols/make-vectors.ts
 * ```
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { chainVectors } from './vectors/chain.ts'
import { digestVectors } from './vectors/digests.ts'
import { endOfEpochVectors } from './vectors/end-of-epoch.ts'
import { exchangeVectors } from './vectors/exchanges.ts'
import { genesisVectors } from './vectors/genesis.ts'
import { invalidBlockVectors } from './vectors/invalid-blocks.ts'
import { invalidMessageVectors } from './vectors/invalid-messages.ts'
import { invalidRangeVectors } from './vectors/invalid-ranges.ts'
import { nodeInfoVectors } from './vectors/node-info.ts'
import { rendezvousVectors } from './vectors/rendezvous.ts'
import { transactionVectors } from './vectors/transactions.ts'
import { protocolsUrl } from './wire-messages.ts'

/** Where the vectors are. */
export const vectorsUrl: URL = new URL('vectors/', protocolsUrl)

/** The content of every file of vectors, by its name. */
export async function makeVectors(): Promise<Map<string, string>> {
  const vectors: Record<string, unknown> = {
    digests: digestVectors(),
    genesis: await genesisVectors(),
    chain: chainVectors(),
    frames: await exchangeVectors(),
    'end-of-epoch': endOfEpochVectors(),
    transactions: transactionVectors(),
    'node-info': await nodeInfoVectors(),
    rendezvous: rendezvousVectors(),
    'invalid-messages': invalidMessageVectors(),
    'invalid-blocks': invalidBlockVectors(),
    'invalid-ranges': invalidRangeVectors()
  }
  return new Map(
    Object.entries(vectors).map(([name, content]) => [`${name}.json`, `${JSON.stringify(content, null, 2)}\n`])
  )
}

if (import.meta.main) {
  await mkdir(vectorsUrl, { recursive: true })
  for (const [name, content] of await makeVectors()) await writeFile(new URL(name, vectorsUrl), content)
}
