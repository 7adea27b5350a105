import { cp, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
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
}

/** A chain on disk, ready to be served. */
export interface BenchChain extends BuiltGenesis {
  readonly options: BenchChainOptions
  readonly blocks: number
  /** Bytes of commits and blocks. */
  readonly bytes: number
  /** A copy of the store of its own for each serving process. */
  copy(name: string): Promise<string>
}

/** Commits made before they are written: bounds the memory of the maker. */
const BATCH = 500

/** Makes a chain in a directory. */
export async function makeBenchChain(directory: string, options: BenchChainOptions): Promise<BenchChain> {
  const { commits, validators, transactions, transactionBytes } = options
  const built = buildGenesis({
    validators: Array.from({ length: validators }, (_, index) => ({ keys: deriveValidatorKeys(1, index) })),
    startTimeMs: Date.UTC(2026, 0, 1)
  })
  const consensus = new ScriptedConsensus({ ...built, seed: 1, transactions, transactionBytes })
  const path = join(directory, 'template')
  await mkdir(directory, { recursive: true })
  const store = await openLevelStore(path, { genesis: built.genesis })
  let blocks = 0
  let bytes = 0
  for (let made = 0; made < commits; made += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, commits - made) }, () => consensus.nextCommit())
    for (const { subDag } of batch) {
      blocks += subDag.blocks.length
      bytes += subDag.blocks.reduce((sum, block) => sum + block.bytes.byteLength, subDag.commit.bytes.byteLength)
    }
    await writeChain(store, batch)
  }
  await store.close()
  return {
    ...built,
    options,
    blocks,
    bytes,
    async copy(name) {
      const target = join(directory, name)
      await cp(path, target, { recursive: true })
      return target
    }
  }
}
