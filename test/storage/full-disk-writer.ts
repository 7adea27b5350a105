// Writes commits until the disk refuses one, says so, and tries it again each time that it is told to: PATH
import { createInterface } from 'node:readline'
import { errorCode } from '../../src/runtime/soma-error.ts'
import { openLevelStore } from '../../src/storage/level-store.ts'
import { buildChain } from '../../src/testing/chain-builder.ts'
import { assertWhole } from '../../src/testing/storage-conformance-fixture.ts'
import { EndlessChain } from './endless-chain.ts'

const [path] = process.argv.slice(2) as [string]
const { genesis } = buildChain({ commits: 0 })
const chain = new EndlessChain(genesis)
const store = await openLevelStore(path, { genesis })

/** Writes a hundred more commits. @returns the code of the error */
async function writeMore(): Promise<string | undefined> {
  const { index } = store.watermarks.highestSynced
  try {
    await store.write(chain.write(index + 1, index + 100))
    return undefined
  } catch (thrown) {
    await assertWhole(store, chain.commitAt(index)) // reads go on
    return errorCode(thrown)
  }
}

let refused: string | undefined
while (refused === undefined) refused = await writeMore()
console.log(`${refused} ${store.watermarks.highestSynced.index}`)
for await (const _ of createInterface({ input: process.stdin })) {
  refused = await writeMore()
  console.log(`${refused ?? 'written'} ${store.watermarks.highestSynced.index}`)
}
