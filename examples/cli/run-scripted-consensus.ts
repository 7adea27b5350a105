import { readFile, rename, writeFile } from 'node:fs/promises'
import { setImmediate as otherWork } from 'node:timers/promises'
import type { Committee } from '../../src/consensus/committee.ts'
import type { ConsensusInterface, NodeStatus, SomaNode } from '../../src/node/soma-node.ts'
import type { Clock } from '../../src/runtime/clock.ts'
import { bytesEqual } from '../../src/runtime/hex.ts'
import { errorCode, toError } from '../../src/runtime/soma-error.ts'
import type { ScriptedCommit, ScriptedConsensusOptions } from '../../src/testing/scripted-consensus.ts'
import { ExecutedConsensus, type ExecutedState } from '../scripted/executed-consensus.ts'
import { UsageError } from './cli-error.ts'

/** Commits between two snapshots: what a killed validator makes again at its next start, in a second or two. */
const SNAPSHOT_INTERVAL = 100

/** Milliseconds between looks whether the next committee has been inserted. */
const LOOK_MS = 20

/** Milliseconds before a commit that the node's disk refused is handed in again. */
const RETRY_MS = 1_000

/** The part of the node's health. */
const PART = 'consensus'

/** What of a peer id tells whose it is. */
interface Keyed {
  readonly publicKey?: { readonly raw: Uint8Array } | undefined
}

/** A scripted consensus beneath a validator. */
export interface ScriptedConsensusInit {
  /** The validator: a `SomaNode`. */
  readonly node: {
    readonly peerId: Keyed
    readonly consensus: ConsensusInterface
    readonly store: { readonly watermarks: { readonly highestSynced: { readonly index: number } } }
    status(): Promise<Pick<NodeStatus, 'epoch'>>
    readonly reportHealth: SomaNode['reportHealth']
  }
  readonly options: ScriptedConsensusOptions
  /** What executes the node's commits; it may be missing where epochs have no end. */
  readonly ledger: ExecutedState | undefined
  /** File that the consensus goes on from after a restart. */
  readonly snapshotPath: string
  readonly clock: Clock
  readonly signal: AbortSignal
}

/**
 * Hands a node the commits of a scripted consensus, when they are due by their own timestamps, and as fast as the node takes them where it is late. Of
 * epochs whose committee the node is not in, it hands in nothing and lets it follow. A disk that takes nothing makes it wait, with the node's health degraded.
 * Resolves when the signal aborts.
 *
 * @throws {ConsensusInterfaceError} when the node refuses a commit
 * @throws {UsageError} `CONFIG_WRONG_VALUE` when the snapshot is of another chain or seed
 */
export async function runScriptedConsensus(init: ScriptedConsensusInit): Promise<void> {
  const { node, clock, signal } = init
  const consensus = await resume(init)
  let isSaved = true
  try {
    while (!signal.aborted) {
      const index = consensus.lastCommit.index + 1
      const early = consensus.dueMs(index) - clock.now()
      if (early > 0) await clock.sleep(early, { signal })
      const commit = await consensus.nextCommit({ signal })
      if (index > node.store.watermarks.highestSynced.index) await handIn(init, consensus, commit)
      else await otherWork()
      if (index % SNAPSHOT_INTERVAL === 0) isSaved = await saveIfPossible(init, consensus, isSaved)
    }
  } catch (thrown) {
    if (!signal.aborted) throw thrown
  }
}

async function handIn(
  { node, options, ledger, clock, signal }: ScriptedConsensusInit,
  consensus: ExecutedConsensus,
  commit: ScriptedCommit
): Promise<void> {
  const { index } = commit.subDag.commit.ref
  const { epoch, committee } = consensus.epochOf(index)
  if (options.epochs !== undefined && ledger !== undefined && !isMember(committee, node.peerId)) {
    await ledger.stateAfter(index, { signal })
    return
  }
  // Without proofs the executor inserts who comes next.
  while (options.epochs?.proofs === false && (await node.status()).epoch < epoch) await clock.sleep(LOOK_MS, { signal })
  await send(node, commit, clock, signal)
}

async function send(
  node: ScriptedConsensusInit['node'],
  commit: ScriptedCommit,
  clock: Clock,
  signal: AbortSignal
): Promise<void> {
  for (let isHeldUp = false; ; isHeldUp = true) {
    try {
      await node.consensus.sendCommit(commit, { signal })
      if (isHeldUp) node.reportHealth(PART, { state: 'ok' })
      return
    } catch (thrown) {
      if (errorCode(thrown) !== 'STORAGE_WRITE_FAILED') throw thrown
      node.reportHealth(PART, { state: 'degraded', reason: `${toError(thrown).message}; trying again` })
      await clock.sleep(RETRY_MS, { signal })
    }
  }
}

function isMember(committee: Committee, { publicKey }: Keyed): boolean {
  return committee.validators.some(({ networkKey }) => publicKey !== undefined && bytesEqual(networkKey, publicKey.raw))
}

async function resume({
  options,
  ledger,
  snapshotPath: path,
  node
}: ScriptedConsensusInit): Promise<ExecutedConsensus> {
  let snapshot: Uint8Array
  try {
    snapshot = await readFile(path)
  } catch (thrown) {
    if (errorCode(thrown) === 'ENOENT') return new ExecutedConsensus(options, ledger)
    throw thrown
  }
  try {
    const consensus = new ExecutedConsensus(options, ledger, snapshot)
    // A snapshot ahead of the store would leave a gap: the store was removed or restored beneath it.
    const isAhead = consensus.lastCommit.index > node.store.watermarks.highestSynced.index
    return isAhead ? new ExecutedConsensus(options, ledger) : consensus
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
    throw new UsageError('CONFIG_WRONG_VALUE', `the scripted consensus cannot go on from ${path}: ${cause.message}`, {
      cause
    })
  }
}

/**
 * A snapshot only makes the next start quicker: the node is degraded until one is written again.
 *
 * @param wasSaved whether the last one was written
 * @returns whether this one was
 */
async function saveIfPossible(
  { node, snapshotPath }: ScriptedConsensusInit,
  consensus: ExecutedConsensus,
  wasSaved: boolean
): Promise<boolean> {
  try {
    await save(consensus, snapshotPath)
  } catch (thrown) {
    if (!(thrown instanceof Error && 'syscall' in thrown)) throw thrown
    node.reportHealth(PART, { state: 'degraded', reason: `no snapshot was written: ${thrown.message}` })
    return false
  }
  if (!wasSaved) node.reportHealth(PART, { state: 'ok' })
  return true
}

async function save(consensus: ExecutedConsensus, path: string): Promise<void> {
  await writeFile(`${path}.new`, consensus.snapshot(), { flush: true })
  await rename(`${path}.new`, path)
}
