import { readFile, rename, writeFile } from 'node:fs/promises'
import type { ConsensusInterface } from '../../src/node/soma-node.ts'
import type { Clock } from '../../src/runtime/clock.ts'
import { errorCode } from '../../src/runtime/soma-error.ts'
import { ScriptedConsensus, type ScriptedConsensusOptions } from '../../src/testing/scripted-consensus.ts'
import { UsageError } from './cli-error.ts'

/** Commits between two snapshots: what a killed validator makes again at its next start, in well under a second. */
const SNAPSHOT_INTERVAL = 1_000

/** The certifiers of commit `r` are blocks of round `r + 3`. */
const ROUNDS_TO_CERTIFY = 3

/** A scripted consensus beneath a validator. */
export interface ScriptedConsensusInit {
  /** The validator: a `SomaNode`. */
  readonly node: {
    readonly consensus: ConsensusInterface
    readonly store: { readonly watermarks: { readonly highestSynced: { readonly index: number } } }
  }
  readonly options: ScriptedConsensusOptions & { readonly roundIntervalMs: number }
  /** File that the consensus goes on from after a restart. */
  readonly snapshotPath: string
  readonly clock: Clock
  readonly signal: AbortSignal
}

/**
 * Hands a node the commits of a scripted consensus, paced by the clock from the genesis on: a commit each round interval, and as fast as
 * the node takes them where it is late. Resolves when the signal aborts.
 *
 * @throws {ConsensusInterfaceError} when the node refuses a commit
 * @throws {UsageError} `CONFIG_WRONG_VALUE` when the snapshot is of another chain or seed
 */
export async function runScriptedConsensus(init: ScriptedConsensusInit): Promise<void> {
  const { node, options, snapshotPath, clock, signal } = init
  const consensus = await resume(options, snapshotPath, node.store.watermarks.highestSynced.index)
  try {
    while (!signal.aborted) {
      const commit = consensus.nextCommit()
      const { index } = commit.subDag.commit.ref
      const due = options.genesis.startTimeMs + (index + ROUNDS_TO_CERTIFY) * options.roundIntervalMs
      const early = due - clock.now()
      if (early > 0) await clock.sleep(early, { signal })
      if (index > node.store.watermarks.highestSynced.index) await node.consensus.sendCommit(commit, { signal })
      if (index % SNAPSHOT_INTERVAL === 0) await save(consensus, snapshotPath)
    }
  } catch (thrown) {
    if (!signal.aborted) throw thrown
  }
}

async function resume(
  options: ScriptedConsensusOptions,
  path: string,
  highestSynced: number
): Promise<ScriptedConsensus> {
  let snapshot: Uint8Array
  try {
    snapshot = await readFile(path)
  } catch (thrown) {
    if (errorCode(thrown) === 'ENOENT') return new ScriptedConsensus(options)
    throw thrown
  }
  const consensus = resumeFrom(snapshot, options, path)
  // A snapshot ahead of the store would leave a gap: the store was removed or restored beneath it.
  return consensus.lastCommit.index > highestSynced ? new ScriptedConsensus(options) : consensus
}

function resumeFrom(snapshot: Uint8Array, options: ScriptedConsensusOptions, path: string): ScriptedConsensus {
  try {
    return ScriptedConsensus.resume(options, snapshot)
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
    throw new UsageError('CONFIG_WRONG_VALUE', `the scripted consensus cannot go on from ${path}: ${cause.message}`, {
      cause
    })
  }
}

async function save(consensus: ScriptedConsensus, path: string): Promise<void> {
  await writeFile(`${path}.new`, consensus.snapshot(), { flush: true })
  await rename(`${path}.new`, path)
}
