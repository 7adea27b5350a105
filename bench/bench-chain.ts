import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { cloneDirectory } from '../examples/devnet/clone-directory.ts'
import { openLevelStore } from '../src/storage/index.ts'
import {
  type BuiltGenesis,
  buildGenesis,
  deriveValidatorKeys,
  ScriptedConsensus,
  writeChain
} from '../src/testing/index.ts'

/** What a benchmark's chain is made of. */
export interface BenchChainOptions {
  readonly commits: number
  readonly validators: number
  /** Transactions of a block. */
  readonly transactions: number
  readonly transactionBytes: number
  /** Shorter lengths at which copies can be made as well, multiples of 500. @default none */
  readonly lengths?: readonly number[]
}

/** A chain on disk, ready to be served. */
export interface BenchChain extends BuiltGenesis {
  readonly options: BenchChainOptions
  readonly blocks: number
  /** Bytes of commits and blocks. */
  readonly bytes: number
  /** A copy of the store of its own for each serving process. @param commits the whole chain or one of its lengths @default the whole chain */
  copy(name: string, commits?: number): Promise<string>
}

/** Commits made before they are written: bounds the memory of the maker. */
const BATCH = 500

/** Makes a chain in a directory. */
export async function makeBenchChain(directory: string, options: BenchChainOptions): Promise<BenchChain> {
  const { commits, validators, transactions, transactionBytes, lengths = [] } = options
  const built = buildGenesis({
    validators: Array.from({ length: validators }, (_, index) => ({ keys: deriveValidatorKeys(1, index) })),
    startTimeMs: Date.UTC(2026, 0, 1)
  })
  const consensus = new ScriptedConsensus({ ...built, seed: 1, transactions, transactionBytes })
  const pathOf = (length: number) => join(directory, `template-${length}`)
  const path = pathOf(commits)
  await mkdir(directory, { recursive: true })
  let store = await openLevelStore(path, { genesis: built.genesis })
  let blocks = 0
  let bytes = 0
  for (let made = 0; made < commits; made += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, commits - made) }, () => consensus.nextCommit())
    for (const { subDag } of batch) {
      blocks += subDag.blocks.length
      bytes += subDag.blocks.reduce((sum, block) => sum + block.bytes.byteLength, subDag.commit.bytes.byteLength)
    }
    await writeChain(store, batch)
    if (!lengths.includes(made + batch.length)) continue
    await store.close()
    await cloneDirectory(path, pathOf(made + batch.length))
    store = await openLevelStore(path, { genesis: built.genesis })
  }
  await store.close()
  return {
    ...built,
    options,
    blocks,
    bytes,
    async copy(name, length = commits) {
      const target = join(directory, name)
      await cloneDirectory(pathOf(length), target)
      return target
    }
  }
}
