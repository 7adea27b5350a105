// Writes commits as fast as it can, until it is killed: PATH SEED
import { randomInteger, seededRandom } from '../../src/runtime/random.ts'
import { openLevelStore } from '../../src/storage/level-store.ts'
import { buildChain } from '../../src/testing/chain-builder.ts'
import { EndlessChain } from './endless-chain.ts'

const [path, seed] = process.argv.slice(2) as [string, string]
const { genesis } = buildChain({ commits: 0 })
const chain = new EndlessChain(genesis)
const random = seededRandom(Number(seed))
const store = await openLevelStore(path, { genesis })

for (;;) {
  const { highestSynced, lowestAvailable } = store.watermarks
  const end = highestSynced.index + 1 + randomInteger(random, 20)
  await store.write(chain.write(highestSynced.index + 1, end))
  await store.setCursor('executor', end)
  // What is said here is durable: the pipe is written to before the loop goes on.
  process.stdout.write(`${end}\n`)
  if (end - lowestAvailable > 400) await store.prune(end - randomInteger(random, 200))
}
