import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as otherWork } from 'node:timers/promises'
import { z } from 'zod'
import { subDagBytes } from '../../src/consensus/committed-sub-dag.ts'
import { openLevelStore } from '../../src/storage/level-store.ts'
import type { ScriptedCommit } from '../../src/testing/scripted-consensus.ts'
import { storeWriteOf } from '../../src/testing/write-chain.ts'
import { openLedger } from '../ledger/ledger.ts'
import { ExecutedConsensus } from '../scripted/executed-consensus.ts'
import { type ChainSettings, scriptedConsensusOptions, transactionKind } from './chain-settings.ts'
import { cloneDirectory, exists } from './clone-directory.ts'

/** Commits of one write: as many as a sync stores at once. */
const BATCH = 100

/** Milliseconds of making commits between two looks at whether it is to stop. */
const BREATH_MS = 50

/** How large the chain is that the validators begin with. */
export interface ChainTotals {
  readonly commits: number
  /** That these commits are of. */
  readonly epochs: number
  readonly blocks: number
  /** Bytes of commits and blocks. */
  readonly bytes: number
}

const totalsSchema: z.ZodType<ChainTotals> = z.object({
  commits: z.int(),
  epochs: z.int().default(1), // older directories have one
  blocks: z.int(),
  bytes: z.int()
})

/** The parts of a node's directory, and of the chain that a validator's is cloned from. */
export function nodeFiles(directory: string): { store: string; ledger: string; consensus: string } {
  return {
    store: join(directory, 'store'),
    ledger: join(directory, 'ledger'),
    /** A snapshot of the scripted consensus, at or below the store's highest commit. */
    consensus: join(directory, 'consensus')
  }
}

/** A chain that was made and waits to be given to validators. */
export interface PreparedChain {
  readonly totals: ChainTotals
  /** Gives a validator its own copy, unless it has one. */
  cloneTo(directory: string): Promise<void>
}

/** How {@link prepareChain} is watched and stopped. */
export interface PrepareChainOptions {
  readonly signal: AbortSignal
  /** Called after each batch, with the commits made so far. */
  readonly onProgress: (commits: number) => void
}

/**
 * Makes the chain of a devnet, executed and stored as a validator has it, unless the data directory holds it already.
 *
 * @throws the signal's reason; what was made so far is begun anew next time
 */
export async function prepareChain(
  dataDirectory: string,
  settings: ChainSettings,
  options: PrepareChainOptions
): Promise<PreparedChain> {
  const path = join(dataDirectory, 'chain')
  if (!(await exists(path))) {
    const partial = `${path}.partial`
    await rm(partial, { recursive: true, force: true })
    await mkdir(partial)
    const totals = await makeChain(join(partial, 'validator'), settings, options)
    await writeFile(join(partial, 'totals.json'), JSON.stringify(totals))
    await rename(partial, path)
  }
  return {
    totals: totalsSchema.parse(JSON.parse(await readFile(join(path, 'totals.json'), 'utf8'))),
    cloneTo: (directory) => cloneDirectory(join(path, 'validator'), directory)
  }
}

async function makeChain(
  directory: string,
  settings: ChainSettings,
  options: PrepareChainOptions
): Promise<ChainTotals> {
  await mkdir(directory)
  const scripted = scriptedConsensusOptions(settings)
  const { genesis } = scripted
  const files = nodeFiles(directory)
  const store = await openLevelStore(files.store, { genesis })
  const ledger = await openLedger(files.ledger, { genesis, transactions: transactionKind(settings) })
  const consensus = new ExecutedConsensus(scripted, ledger)
  const totals = { commits: 0, epochs: 0, blocks: 0, bytes: 0 }
  let stored: Promise<unknown> = Promise.resolve()
  let nextBreath = performance.now() + BREATH_MS
  try {
    while (totals.commits < settings.commits) {
      if (consensus.needsState) await stored
      const length = Math.min(BATCH, settings.commits - totals.commits)
      const commits: ScriptedCommit[] = []
      while (commits.length < length && (commits.length === 0 || !consensus.needsState)) {
        commits.push(await consensus.nextCommit({ signal: options.signal }))
        if (performance.now() < nextBreath) continue
        await otherWork() // signals arrive then
        options.signal.throwIfAborted()
        nextBreath = performance.now() + BREATH_MS
      }
      const subDags = commits.map(({ subDag }) => subDag)
      await stored
      options.signal.throwIfAborted()
      stored = Promise.all([store.write(storeWriteOf(commits)), ledger.execute(subDags)]) // beside the making of the next
      stored.catch(() => undefined) // awaited in the next turn
      for (const subDag of subDags) {
        totals.commits += 1
        totals.epochs = subDag.commit.commit.epoch + 1
        totals.blocks += subDag.blocks.length
        totals.bytes += subDagBytes(subDag)
      }
      options.onProgress(totals.commits)
    }
    await stored
  } finally {
    await Promise.allSettled([stored])
    await Promise.all([store.close(), ledger.close()])
  }
  await writeFile(files.consensus, consensus.snapshot())
  return totals
}
